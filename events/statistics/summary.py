"""Statistics of a range: exact and up to date, at a cost that does not grow with the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Self

import msgspec
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from anpr_project.lib.errors import FieldError
from anpr_project.lib.statements import condition_of, planned_once
from events.filters import EventFilter, one_value, parse_filter, parse_time
from events.models import EventReceipt, PlateEvent
from events.spans import BUCKETS, DAY, Range, as_utc
from events.statistics.snapshot import one_snapshot
from events.statistics.tally import (
    Rolled,
    RollupReader,
    Tally,
    count_events,
    is_in_rollups,
    names_of,
)
from events.statistics.top_plates import Cover, most_frequent

PARAMETERS = frozenset({"from", "to", "bucket"})
DEFAULT_LENGTH = 30 * DAY
MAX_BUCKETS = 5000
# So many events are grouped by plate in a few milliseconds.
FEW_EVENTS = 5000
# The most events that are looked at one by one; beyond, the newest ones stand for all.
MAX_EVENTS = 200_000
# Of a range with more than that, the most frequent plates are those of so many newest events.
SAMPLE = 20_000
TOP_PLATES = 10
# So many events that wait for the dispatcher are asked for by their ids.
FEW = 1000
WAITING = (
    f"SELECT id, captured_at FROM {EventReceipt._meta.db_table} "  # noqa: S608 - our name
    "WHERE position IS NULL AND captured_at >= %s AND captured_at < %s "
    f"ORDER BY id LIMIT {FEW + 1}"
)


class Point(msgspec.Struct, frozen=True):
    start: datetime
    events: int
    mean_confidence: float | None


class CameraCount(msgspec.Struct, frozen=True):
    camera: int | None
    name: str | None
    events: int


class ZoneCount(msgspec.Struct, frozen=True):
    zone: int | None
    name: str | None
    events: int


class VehicleTypeCount(msgspec.Struct, frozen=True):
    vehicle_type: str | None
    events: int


class PlateCount(msgspec.Struct, frozen=True):
    plate: str
    events: int


class Statistics(msgspec.Struct, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """`truncated`: the range holds more events than are looked at, so only the newest count."""

    start: datetime
    end: datetime
    bucket: str
    total: int
    truncated: bool
    unique_plates: int
    unique_plates_approximate: bool
    mean_confidence: float | None
    series: list[Point]
    by_camera: list[CameraCount]
    by_zone: list[ZoneCount]
    by_vehicle_type: list[VehicleTypeCount]
    top_plates: list[PlateCount]
    top_plates_approximate: bool


@dataclass(frozen=True)
class StatsRequest:
    range: Range
    bucket: str
    wanted: EventFilter

    @classmethod
    def parse(cls, query: Mapping[str, Sequence[str]], now: datetime | None = None) -> Self:
        bucket = one_value("bucket", query.get("bucket") or ["day"])
        if bucket not in BUCKETS:
            raise FieldError("bucket", "invalid", "Expected hour, day or week.")
        # To the end of the current hour or day: whole buckets, and no clock is ahead of them.
        unit = BUCKETS["hour" if bucket == "hour" else "day"]
        end = parse_time("to", query["to"]) if query.get("to") else None
        end = end or unit.end_of(now or timezone.now())
        start = parse_time("from", query["from"]) if query.get("from") else end - DEFAULT_LENGTH
        if start >= end:
            raise FieldError("from", "out_of_range", "Expected `from` to be before `to`.")
        asked = Range(start, end)
        if asked.bucket_count(BUCKETS[bucket]) > MAX_BUCKETS:
            raise FieldError(
                "bucket", "too_many", f"This range has more than {MAX_BUCKETS} {bucket}s."
            )
        return cls(asked, bucket, parse_filter(query, ignore=PARAMETERS))


def newest(events: QuerySet[PlateEvent], count: int) -> tuple[QuerySet[PlateEvent], bool]:
    """Return the newest `count` of the events, and whether that cut any off."""
    ordered = events.order_by("-captured_at", "-id").values_list("captured_at", "id")
    first_out = ordered[count : count + 1].first()
    if first_out is None:
        return events, False
    captured_at, pk = first_out
    newer = Q(captured_at__gt=captured_at) | Q(id__gt=pk)
    return events.filter(newer, captured_at__gte=captured_at), True


def _between(events: QuerySet[PlateEvent], part: Range) -> QuerySet[PlateEvent]:
    return events.filter(captured_at__gte=part.start, captured_at__lt=part.end)


@dataclass
class Counting:
    """One request's way through the data."""

    asked: StatsRequest

    def __post_init__(self) -> None:
        self.tally = Tally(BUCKETS[self.asked.bucket], self.asked.range)
        self.names: dict[tuple[str, int], str] = {}

    @cached_property
    def events(self) -> QuerySet[PlateEvent]:
        return self.asked.wanted.apply(PlateEvent.objects.all())

    @cached_property
    def in_range(self) -> QuerySet[PlateEvent]:
        return _between(self.events, self.asked.range)

    def run(self) -> Statistics:
        if is_in_rollups(self.asked.wanted):
            return self._by_rollups()
        events, is_cut = newest(self.in_range, MAX_EVENTS)
        count_events(self.tally, events)
        return self._result(events, is_cut=is_cut)

    def _by_rollups(self) -> Statistics:
        """Whole hours from rollups; the ends, and what the dispatcher has yet to count, by event."""
        hours = self.asked.range.whole(BUCKETS["hour"])
        reader = RollupReader(hours, self.asked.wanted)
        rolled = reader.count(self.tally)
        self.names = rolled.names
        rests = self.rests(hours)
        for rest in rests:
            count_events(self.tally, rest)
        if self.tally.total <= FEW_EVENTS:
            return self._result(self.in_range)
        top = None if self.asked.wanted.conditions else self._most_frequent(rolled)
        if top is None and self.tally.total <= MAX_EVENTS:
            return self._result(self.in_range)
        plates = {plate for rest in rests for plate in _distinct_plates(rest)}
        estimated = reader.unique_plates(rolled, plates)
        if top is not None:
            return self._result(None, estimated_plates=estimated, top=top)
        events, _ = newest(self.in_range, min(MAX_EVENTS, SAMPLE))
        return self._result(events, estimated_plates=estimated)

    def _most_frequent(self, rolled: Rolled) -> list[PlateCount] | None:
        """Return the most frequent plates of all cameras; None when it is not certain which."""
        if len(self.waiting) > FEW:
            return None
        plates: list[tuple[str, datetime]] = []
        if self.waiting:
            waiting = self._waiting(self.asked.range)
            plates = list(waiting.values_list("plate_normalized", "captured_at"))
        cover = Cover.of(self.asked.range.with_months(rolled.is_all_of))
        top, is_certain = most_frequent(TOP_PLATES, cover, plates)
        return [PlateCount(plate, number) for plate, number in top] if is_certain else None

    def rests(self, hours: Range) -> list[QuerySet[PlateEvent]]:
        """Return what the rollups of these hours do not hold of the range."""
        ends = [_between(self.events, part) for part in self.asked.range.without(hours)]
        return [*ends, self._waiting(hours)] if self.waiting else ends

    @cached_property
    def waiting(self) -> dict[int, datetime]:
        """What of the range the dispatcher has yet to count, or FEW and one of it."""
        moment = connection.ops.adapt_datetimefield_value
        with planned_once() as cursor:
            cursor.execute(WAITING, [moment(self.asked.range.start), moment(self.asked.range.end)])
            return {pk: as_utc(captured_at) for pk, captured_at in cursor.fetchall()}

    def _waiting(self, part: Range) -> QuerySet[PlateEvent]:
        """What of a part of the range the dispatcher has yet to count."""
        if len(self.waiting) > FEW:
            receipts = EventReceipt.objects.waiting().filter(pk=OuterRef("pk"))
            return _between(self.events, part).filter(Exists(receipts))
        few = {pk: at for pk, at in self.waiting.items() if part.start <= at < part.end}
        if not few:
            return self.events.none()
        # The database reads only the months in which they lie.
        times = few.values()
        return self.events.filter(pk__among=list(few), captured_at__range=(min(times), max(times)))

    def _result(
        self,
        events: QuerySet[PlateEvent] | None,
        *,
        is_cut: bool = False,
        estimated_plates: int | None = None,
        top: list[PlateCount] | None = None,
    ) -> Statistics:
        """Put the answer together; without `top`, with the plates of `events`."""
        tally, asked = self.tally, self.asked
        is_approximate = is_cut or estimated_plates is not None
        is_top_approximate, counted_plates = is_approximate and top is None, 0
        if events is not None:
            top, counted_plates = _top_plates(events)
        names = self.names | names_of(tally, self.names)
        return Statistics(
            start=asked.range.start,
            end=asked.range.end,
            bucket=asked.bucket,
            total=tally.total,
            truncated=is_cut,
            unique_plates=counted_plates if estimated_plates is None else estimated_plates,
            unique_plates_approximate=is_approximate,
            mean_confidence=_mean(tally.confidence_sum, tally.total),
            series=[
                Point(start, number, confidence / number if number else None)
                for start, number, confidence in zip(
                    tally.starts, tally.events, tally.confidence, strict=True
                )
            ],
            by_camera=[
                CameraCount(int(pk) or None, names.get(("camera", int(pk))), count)
                for pk, count in _ranked(tally.by["camera"])
            ],
            by_zone=[
                ZoneCount(int(pk) or None, names.get(("zone", int(pk))), count)
                for pk, count in _ranked(tally.by["zone"])
            ],
            by_vehicle_type=[
                VehicleTypeCount(str(name) or None, count)
                for name, count in _ranked(tally.by["vehicle_type"])
            ],
            top_plates=top or [],
            top_plates_approximate=is_top_approximate,
        )


def _mean(total: float, count: int) -> float | None:
    return total / count if count else None


def _ranked(counts: Counter[int | str]) -> list[tuple[int | str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))


def _distinct_plates(events: QuerySet[PlateEvent]) -> QuerySet[PlateEvent, str]:
    return events.order_by().values_list("plate_normalized", flat=True).distinct()


def _top_plates(events: QuerySet[PlateEvent]) -> tuple[list[PlateCount], int]:
    """Return the most frequent plates, and how many plates there are, from one grouping."""
    condition, values = condition_of(events)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT plate_normalized, COUNT(*) AS events, COUNT(*) OVER () "  # noqa: S608 - our names
            f"FROM {PlateEvent._meta.db_table} WHERE {condition} GROUP BY plate_normalized "
            f"ORDER BY events DESC, plate_normalized LIMIT {TOP_PLATES}",
            values,
        )
        rows = cursor.fetchall()
    top = [PlateCount(plate, number) for plate, number, _ in rows]
    return top, next((plates for _, _, plates in rows), 0)


def statistics(asked: StatsRequest) -> Statistics:
    """Return the statistics of one moment: no event is missing, none is counted twice."""
    with one_snapshot():
        return Counting(asked).run()
