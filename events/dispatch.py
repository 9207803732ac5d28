"""The one place where committed events become visible outside: positions in commit order.

Ids cannot serve as positions: a sequence is taken before the commit, so that a long transaction's
row appears behind the back of a reader who has already passed its id.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.db import connection, transaction

from events.models import PlateEvent, StreamHead
from events.rollups import add_events

BATCH = 1000


def _store_positions(events: list[PlateEvent]) -> None:
    values = ", ".join(["(%s, %s)"] * len(events))
    parameters = [number for event in events for number in (event.pk, event.position)]
    # One statement for all rows; bulk_update would build a CASE of a thousand branches.
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH given(id, position) AS (VALUES {values}) "  # noqa: S608 - placeholders only
            "UPDATE events_plateevent SET position = given.position FROM given "
            "WHERE events_plateevent.id = given.id",
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
    events = list(PlateEvent.objects.without_position()[:limit])
    if not events:
        return []
    for offset, event in enumerate(events, start=1):
        event.position = head.position + offset
    _store_positions(events)
    add_events(events)
    StreamHead.objects.filter(pk=head.pk).update(position=head.position + len(events))
    return events


def has_work() -> bool:
    """Whether a committed event waits; asked without a lock, so that an idle loop writes nothing."""
    return PlateEvent.objects.without_position().exists()


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
