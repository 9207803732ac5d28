"""Drops whole months that are past their retention, with everything that belongs to their events.

To delete the rows of a month one by one would touch each index entry, and leave as much to clean up.
Small steps, each a transaction of its own: the worker goes on with its other work in between. After
a crash the next call takes up what is left.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db import OperationalError, connection, transaction
from django.db.models import Q, QuerySet

from events import partitions, plate_counts
from events.holds.models import LegalHold
from events.models import EventReceipt, PlateEvent, Rollup, StreamHead
from events.partitions import Month
from events.pictures.stores import picture_store
from events.retention.lock_pace import LockPace
from events.spans import DAY
from events.statistics.rollups import add_events, forget_plates

logger = logging.getLogger(__name__)

STEP = 1000
# Of setting a month apart, which waits for whoever reads the table, but not for long.
TRIES = 20
PAUSE_S = 1.0


def _in(month: Month) -> Q:
    return Q(captured_at__gte=month.start, captured_at__lt=month.end)


def _is_held(month: Month) -> bool:
    held = LegalHold.objects.held()
    return held is not None and PlateEvent.objects.filter(_in(month)).filter(held).exists()


def _slice(month: Month, last: int, limit: int | None = None) -> list[PlateEvent]:
    """Read events under no hold; it is looked for anew each time, for one may be placed meanwhile."""
    rows = PlateEvent.objects.filter(_in(month)).only("id", "captured_at", "plate_normalized")
    return list(rows.filter(id__gt=last).not_held().order_by("id")[:limit])


def _forget(events: Sequence[PlateEvent], month: Month) -> None:
    """Delete what belongs to the events, but not the events."""
    ids = [event.pk for event in events]
    for relation in PlateEvent._meta.related_objects:
        # Tyre readings, and what the apps above keep of an event: the exporters' deliveries.
        relation.related_model._default_manager.filter(event__in=ids).delete()
    EventReceipt.objects.filter(pk__in=ids).delete()
    forget_plates({event.plate_normalized for event in events}, gone=_in(month))


def _rollups(start: datetime, end: datetime) -> QuerySet[Rollup]:
    # Spans and kinds named, for the index begins with them.
    return Rollup.objects.filter(
        span__in=Rollup.Span.values,
        kind__in=Rollup.Kind.values,
        starts_at__gte=start,
        starts_at__lt=end,
    )


def _forget_counts(month: Month) -> Iterator[int]:
    """Delete the counts of the month, a day or some thousand plates at a time."""
    day = month.start
    while day < month.end:
        _rollups(day, day + DAY).delete()
        yield 0
        day += DAY
    for _ in plate_counts.forget(month.start, month.end):
        yield 0


def _forget_last_counts(month: Month) -> None:
    """Delete what was counted since."""
    _rollups(month.start, month.end).delete()
    for _ in plate_counts.forget(month.start, month.end):
        pass


def _empty(month: Month) -> Iterator[int]:
    """Delete what belongs to the month's events, a slice a step; then set the month apart."""
    last, pace = 0, LockPace(STEP)
    while True:
        with pace.transaction() as limit:
            events = _slice(month, last, limit)
            _forget(events, month)
        if not events:
            break
        last = events[-1].pk
        yield len(events)
    if _is_held(month):
        return  # by a hold placed meanwhile: the rest goes by rows
    yield from _forget_counts(month)
    yield from _set_apart_patiently(month, last)


def _set_apart_patiently(month: Month, last: int) -> Iterator[int]:
    for _ in range(TRIES):
        try:
            _set_apart(month, last)
        except OperationalError as error:
            if not partitions.waited_too_long(error):
                raise
        else:
            return
        # Others had the table for long, and who came after us waited behind us: let them go first.
        again_at = time.monotonic() + PAUSE_S
        while time.monotonic() < again_at:
            time.sleep(0.05)
            yield 0
    logger.warning("month not dropped: its table is in use", extra={"month": month.table})


def _set_apart(month: Month, last: int) -> None:
    """Take the month out of the table of events, with what arrived after the event `last`."""
    with transaction.atomic():
        partitions.wait_shortly()
        StreamHead.objects.select_for_update().first()
        if month not in partitions.months():  # another worker was here first
            return
        partitions.refuse_rows(month)
        if _is_held(month):  # a hold placed since it was looked for
            _count_again(month)
            return
        _forget(_slice(month, last), month)
        _forget_last_counts(month)
        partitions.detach(month)


def _count_again(month: Month) -> None:
    """Count what is left of a month whose counts are gone already."""
    _forget_last_counts(month)
    rows, last = PlateEvent.objects.filter(_in(month)).order_by("id"), 0
    rows = rows.exclude(pk__in=EventReceipt.objects.waiting().values("pk"))
    while events := list(rows.filter(id__gt=last)[:STEP]):
        add_events(events)
        last = events[-1].pk


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
