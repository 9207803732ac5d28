"""Drops whole months that are past their retention, with everything that belongs to their events.

To delete the rows of a month one by one would touch each index entry, and leave as much to clean up.
Small steps, each a transaction of its own: the worker goes on with its other work in between. After
a crash the next call takes up what is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q

from events import partitions, plate_counts
from events.holds import LegalHold
from events.models import EventReceipt, PlateEvent, Rollup, StreamHead
from events.partitions import Month
from events.rollups import forget_plates
from events.stores import picture_store

STEP = 1000


def _in(month: Month) -> Q:
    return Q(captured_at__gte=month.start, captured_at__lt=month.end)


def _is_held(month: Month) -> bool:
    held = LegalHold.objects.held()
    return held is not None and PlateEvent.objects.filter(_in(month)).filter(held).exists()


def _slices(month: Month, last: int = 0) -> Iterator[list[PlateEvent]]:
    """Read the events under no hold; it is looked for anew each time, for one may be placed meanwhile."""
    rows = PlateEvent.objects.filter(_in(month)).only("id", "captured_at", "plate_normalized")
    while found := list(rows.filter(id__gt=last).not_held().order_by("id")[:STEP]):
        yield found
        last = found[-1].pk


def _forget(events: Sequence[PlateEvent], month: Month) -> None:
    """Delete what belongs to the events, but not the events."""
    ids = [event.pk for event in events]
    for relation in PlateEvent._meta.related_objects:
        # Tyre readings, and what the apps above keep of an event: the exporters' deliveries.
        relation.related_model._default_manager.filter(event__in=ids).delete()
    EventReceipt.objects.filter(pk__in=ids).delete()
    forget_plates({event.plate_normalized for event in events}, gone=_in(month))


def _empty(month: Month) -> Iterator[int]:
    """Delete what belongs to the month's events, a slice a step; then set the month apart."""
    last = 0
    for events in _slices(month):
        with transaction.atomic():
            # The dispatcher's lock: it makes positions, deliveries and plates known.
            StreamHead.objects.select_for_update().first()
            _forget(events, month)
        last = events[-1].pk
        yield len(events)
    if _is_held(month):
        return  # by a hold placed meanwhile: the rest goes by rows
    for _ in plate_counts.forget(month.start, month.end):
        yield 0
    with transaction.atomic():
        StreamHead.objects.select_for_update().first()
        if month not in partitions.months():  # another worker was here first
            return
        partitions.refuse_rows(month)
        for events in _slices(month, last):  # what arrived meanwhile
            _forget(events, month)
        Rollup.objects.filter(starts_at__gte=month.start, starts_at__lt=month.end).delete()
        for _ in plate_counts.forget(month.start, month.end):
            pass
        partitions.detach(month)


def _remove_pictures(month: Month) -> Iterator[int]:
    """Delete the pictures of a month that is set apart; rows go first, files after their commit."""
    last, store = 0, picture_store()
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id, frame, crop FROM {month.table} WHERE id > %s ORDER BY id LIMIT %s",  # noqa: S608
                [last, STEP],
            )
            rows = cursor.fetchall()
        if not rows:
            return
        store.delete([name for _, *names in rows for name in names if name])
        last = rows[-1][0]
        yield 0


def drop_months(before: datetime) -> Iterator[int]:
    """Drop the months that end before and hold nothing; after each step yield how many events it took."""
    for month in partitions.months():
        if month.end <= before and not _is_held(month):
            yield from _empty(month)
    # Also what a crash has left.
    for month in partitions.set_apart():
        yield from _remove_pictures(month)
        partitions.drop(month)
        yield 0
