"""The one place where committed events become visible outside: positions in commit order.

Ids cannot serve as positions: a sequence is taken before the commit, so that a long transaction's
row appears behind the back of a reader who has already passed its id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db import connection, transaction

from events.models import EventReceipt, PlateEvent, StreamHead
from events.rollups import add_events

BATCH = 1000


def _store_positions(receipts: list[EventReceipt]) -> None:
    values = ", ".join(["(%s, %s)"] * len(receipts))
    parameters = [number for receipt in receipts for number in (receipt.pk, receipt.position)]
    # One statement for all rows; bulk_update would build a CASE of a thousand branches.
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH given(id, position) AS (VALUES {values}) "  # noqa: S608 - placeholders only
            "UPDATE events_eventreceipt SET position = given.position FROM given "
            "WHERE events_eventreceipt.id = given.id",
            parameters,
        )


def assign_positions(limit: int = BATCH) -> list[PlateEvent]:
    """Give the next positions to committed events that have none; return them in that order.

    Must run inside a transaction, which the caller may use to do more with the same events: they
    are seen together or not at all. Returns nothing while another dispatcher is at work.
    """
    head = StreamHead.locked()
    if head is None:
        return []
    # Read after the lock is held: everything that the previous dispatcher did is visible here.
    receipts = list(EventReceipt.objects.waiting()[:limit])
    if not receipts:
        return []
    for offset, receipt in enumerate(receipts, start=1):
        receipt.position = head.position + offset
    _store_positions(receipts)
    events = PlateEvent.objects.of(receipts)
    add_events(events)
    StreamHead.objects.filter(pk=head.pk).update(position=head.position + len(receipts))
    return events


def has_work() -> bool:
    """Whether a committed event waits; asked without a lock, so that an idle loop writes nothing."""
    return EventReceipt.objects.waiting().exists()


def dispatch(also: Callable[[Sequence[PlateEvent]], object] = len) -> int | None:
    """Make waiting events visible; return the new head, or None when there was nothing to do.

    `also` is what the caller does with the same events in the same transaction.
    """
    if not has_work():
        return None
    with transaction.atomic():
        events = assign_positions()
        also(events)
    return events[-1].position if events else None
