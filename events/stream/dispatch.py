"""The one place where committed events become visible outside: positions in commit order.

Ids cannot serve as positions: a sequence is taken before the commit, so that a long transaction's
row appears behind the back of a reader who has already passed its id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.db import transaction

from anpr_project.lib.statements import planned_once
from events.models import EventReceipt, PlateEvent, StreamHead
from events.stream.positions import make_visible

# A look has a price of its own, however many events it finds.
BATCH = 4000
RECEIPTS = EventReceipt._meta.db_table
# In order, which only an index has: without, and with statistics of a moment when many waited, all
# receipts were read until one that waits.
WORK = f"SELECT 1 FROM {RECEIPTS} WHERE position IS NULL ORDER BY id LIMIT 1"  # noqa: S608

Also = Callable[[Iterable[PlateEvent]], object]


def _nothing(events: Iterable[PlateEvent]) -> None:
    pass


def assign_positions(limit: int = BATCH, also: Also = _nothing) -> int | None:
    """Give the next positions to committed events that have none; return the new head.

    Must run inside a transaction. None when there was nothing to do, or another dispatcher is at
    work.
    """
    head = StreamHead.locked()
    if head is None:
        return None
    # Read after the lock is held: everything that the previous dispatcher did is visible here.
    number, events = make_visible(head.position, limit)
    if not number:
        return None
    StreamHead.objects.filter(pk=head.pk).update(position=head.position + number)
    also(events)
    return head.position + number


def has_work() -> bool:
    """Whether a committed event waits; asked without a lock, so that an idle loop writes nothing."""
    # Twenty times a second: to compose it anew takes longer than the answer.
    with planned_once() as cursor:
        cursor.execute(WORK)
        return cursor.fetchone() is not None


def dispatch(also: Also = _nothing) -> int | None:
    """Make waiting events visible; return the new head, or None when there was nothing to do.

    `also` is what the caller does with the same events in the same transaction: they are seen
    together or not at all.
    """
    if not has_work():
        return None
    with transaction.atomic():
        return assign_positions(also=also)
