"""Counts events by time, camera, zone and vehicle type: from rollups, or one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Model, QuerySet, Sum
from django.db.models.functions import TruncHour

from anpr_project.lib.statements import condition_of, planned_once
from cameras.models import Camera
from events.filters import EventFilter
from events.models import PlateEvent, Rollup
from events.spans import BUCKETS, Bucket, Range, as_utc, month_after, month_of
from events.statistics import sketches
from zones.models import Zone

# The properties that rollups tell apart; named alike in the filter and in Rollup.
PROPERTIES = ("camera", "zone", "vehicle_type")
TABLE = Rollup._meta.db_table
# Looked up for each sum: a join would look for each row that goes into it.
NAMES = ", ".join(
    f"(SELECT name FROM {model._meta.db_table} WHERE id = {TABLE}.{column})"  # noqa: S608 - our names
    for model, column in ((Camera, "camera"), (Zone, "zone"))
)
# Kinds of rows that are no kinds of rollups.
PLATES, MONTH = "plates", "month"
NO_TIME, NO_PLATES = "CAST(NULL AS bigint)", "CAST(NULL AS bytea)"
# A SELECT and its values.
Part = tuple[str, list[Any]]


def seconds(moment: datetime) -> int:
    """Return the whole seconds since 1970."""
    return int(moment.timestamp())


def started() -> str:
    """Return the SQL of the seconds since 1970 at which a rollup begins.

    To make a datetime of each took longer than to read it.
    """
    if connection.vendor == "postgresql":
        return f"CAST(EXTRACT(EPOCH FROM {TABLE}.starts_at) AS bigint)"
    return f"CAST(strftime('%%s', {TABLE}.starts_at) AS integer)"


@dataclass
class Tally:
    """The counts of one range, bucket by bucket, and by each property's value."""

    bucket: Bucket
    range: Range
    starts: list[datetime] = field(init=False)
    events: list[int] = field(init=False)
    confidence: list[float] = field(init=False)
    by: dict[str, Counter[int | str]] = field(
        default_factory=lambda: {name: Counter() for name in PROPERTIES}
    )

    def __post_init__(self) -> None:
        self.starts = self.range.buckets(self.bucket)
        self.events = [0] * len(self.starts)
        self.confidence = [0.0] * len(self.starts)

    @property
    def total(self) -> int:
        return sum(self.events)

    @property
    def confidence_sum(self) -> float:
        return sum(self.confidence)

    def add(self, rows: Iterable[tuple[int, int, float]]) -> None:
        """Add the events and sums of confidence of moments, which are seconds since 1970."""
        # In UTC all buckets are of one length. A call for each of a year's days took longer than all
        # the rest.
        first, length = seconds(self.starts[0]), int(self.bucket.length.total_seconds())
        for moment, events, confidence in rows:
            number = (moment - first) // length
            self.events[number] += events
            self.confidence[number] += confidence


def count_events(tally: Tally, events: QuerySet[PlateEvent]) -> None:
    """Add events one by one."""
    rows = (
        events.order_by()
        .values_list(TruncHour("captured_at", tzinfo=UTC), "camera_id", "zone_id", "vehicle_type")
        .annotate(Count("id"), Sum("confidence"))
    )
    times = []
    for hour, camera, zone, vehicle_type, number, confidence in rows:
        times.append((seconds(hour), number, confidence))
        for name, value in zip(PROPERTIES, (camera or 0, zone or 0, vehicle_type), strict=True):
            tally.by[name][value] += number
    tally.add(times)


def names_of(tally: Tally, known: Collection[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Return the names of counted cameras and zones that are not known yet."""
    selects, values = [], list[Any]()
    kinds: dict[str, type[Model]] = {"camera": Camera, "zone": Zone}
    for kind, model in kinds.items():
        wanted = [pk for pk in tally.by[kind] if pk and (kind, pk) not in known]
        if wanted:
            condition, ids = condition_of(model._default_manager.filter(pk__among=wanted))
            table = model._meta.db_table
            selects.append(f"SELECT '{kind}', id, name FROM {table} WHERE {condition}")  # noqa: S608 - our names
            values += ids
    if not selects:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(selects), values)
        return {(kind, pk): name for kind, pk, name in cursor.fetchall()}


def is_in_rollups(wanted: EventFilter) -> bool:
    return {condition.parameter for condition in wanted.conditions} <= set(PROPERTIES)


def longest_within(bucket: Bucket) -> Rollup.Span:
    """Return the longest span of which each lies in one bucket."""
    return Rollup.Span.HOUR if bucket is BUCKETS["hour"] else Rollup.Span.DAY


@dataclass
class Rolled:
    """What the rollups say beside the counts."""

    names: dict[tuple[str, int], str] = field(default_factory=dict)
    sketches: list[sketches.Stored] = field(default_factory=list)
    # Events, and sums of confidence, by the starts of the rollups that make up the range.
    by_start: list[tuple[int, int, float]] = field(default_factory=list)
    # Events of the months at its ends.
    by_month: dict[int, int] = field(default_factory=dict)

    def take(self, tally: Tally, row: tuple[Any, ...]) -> None:
        kind, start, camera, zone, vehicle_type, events, _, plates, seen_by, seen_in = row
        if kind == PLATES:
            self.sketches.append(plates)
        elif kind == MONTH:
            self.by_month[start] = events
        else:
            for name, value in zip(PROPERTIES, (camera, zone, vehicle_type), strict=True):
                if kind in {name, Rollup.Kind.COMBINATION}:
                    tally.by[name][value] += events
            self.names |= {("camera", camera): seen_by, ("zone", zone): seen_in}

    def is_all_of(self, month: datetime) -> bool:
        """Whether the range holds all events of that month that are in the rollups."""
        first, after = seconds(month), seconds(month_after(month))
        return self.by_month.get(first, 0) == sum(
            [events for start, events, _ in self.by_start if first <= start < after]
        )


def _read(*parts: Part) -> list[tuple[Any, ...]]:
    # Each in brackets, for SQLite.
    selects = [f"SELECT * FROM ({select}) AS part_{n}" for n, (select, _) in enumerate(parts)]  # noqa: S608 - ours
    # One index has them all, whatever is asked for: to plan it took a fifth of the time.
    with planned_once() as cursor:
        cursor.execute(
            " UNION ALL ".join(selects), [value for _, values in parts for value in values]
        )
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


@dataclass(frozen=True)
class RollupReader:
    """Reads the rollups of whole hours; `wanted` must ask for nothing but their properties."""

    hours: Range
    wanted: EventFilter

    def _kind(self, *shown: str) -> str:
        """Return the kind with the fewest rows that tell apart what is shown and filtered by."""
        properties = {*shown, *(condition.parameter for condition in self.wanted.conditions)}
        if len(properties) < 2:
            return Rollup.Kind(*properties) if properties else Rollup.Kind.ALL
        return Rollup.Kind.COMBINATION

    def _spans(self, longest: Rollup.Span) -> Iterator[tuple[Rollup.Span, Range]]:
        """Whole months by their rows, what is left at both ends by those of days, then of hours."""
        span = Rollup.Span
        days = months = Range(self.hours.start, self.hours.start)
        if longest is not span.HOUR:
            days = self.hours.whole(BUCKETS["day"])
        if longest is span.MONTH:
            months = days.whole_months()
        parts = [(span.HOUR, part) for part in self.hours.without(days)]
        parts += [(span.DAY, part) for part in days.without(months)]
        return ((of, part) for of, part in [*parts, (span.MONTH, months)] if part)

    def _part(
        self,
        columns: str,
        *kinds: str,
        longest: Rollup.Span = Rollup.Span.MONTH,
        grouped_by: str = "",
    ) -> Part:
        """Return the SELECT of columns of the rows of these kinds, of no longer spans than that."""
        # Each with its kinds, as the index begins.
        span = f"{TABLE}.span = %s AND {TABLE}.kind IN ({', '.join(['%s'] * len(kinds))}) "
        span += f"AND {TABLE}.starts_at >= %s AND {TABLE}.starts_at < %s"
        spans, values = [], list[Any]()
        moment = connection.ops.adapt_datetimefield_value
        for of, part in self._spans(longest):
            spans.append(span)
            values += [str(of), *map(str, kinds), moment(part.start), moment(part.end)]
        condition, more = "true", list[Any]()
        if self.wanted.conditions:
            conditions = (condition.on(condition.parameter) for condition in self.wanted.conditions)
            condition, more = condition_of(Rollup.objects.filter(*conditions))
        statement = f"SELECT {columns} FROM {TABLE} "  # noqa: S608 - our own names
        statement += f"WHERE ({' OR '.join(spans) or 'false'}) AND {condition} {grouped_by}"
        return statement, [*values, *more]

    def by_time(self, longest: Rollup.Span, *shown: str) -> list[tuple[Any, ...]]:
        """Return start, what is shown, events and sum of confidence."""
        columns = ", ".join(("starts_at", *shown))
        found = _read(
            self._part(
                f"{columns}, CAST(SUM(events) AS bigint), SUM(confidence_sum)",
                self._kind(*shown),
                longest=longest,
                grouped_by=f"GROUP BY {columns}",
            )
        )
        return [(as_utc(start), *rest) for start, *rest in found]

    def count(self, tally: Tally) -> Rolled:
        """Count all, in one statement."""
        kinds = [Rollup.Kind.COMBINATION] if self.wanted.conditions else PROPERTIES
        shown = ", ".join(("kind", *PROPERTIES))
        parts = [
            self._part(
                f"'' AS kind, {started()}, 0, 0, '', CAST(SUM(events) AS bigint), "
                f"SUM(confidence_sum), {NO_PLATES}, NULL, NULL",
                self._kind(),
                longest=longest_within(tally.bucket),
                grouped_by="GROUP BY starts_at",
            ),
            # By their own rows, or by what they have in common.
            self._part(
                f"kind, {NO_TIME}, {', '.join(PROPERTIES)}, CAST(SUM(events) AS bigint), 0, "
                f"{NO_PLATES}, {NAMES}",
                *kinds,
                grouped_by=f"GROUP BY {shown}",
            ),
        ]
        if not self.wanted.conditions:
            parts += [self._sketches(), self._months()]
        rolled, rows = Rolled(), _read(*parts)
        for row in rows:
            if row[0]:
                rolled.take(tally, row)
        rolled.by_start = [(row[1], row[5], row[6]) for row in rows if not row[0]]
        tally.add(rolled.by_start)
        return rolled

    def _sketches(self) -> Part:
        return self._part(
            f"'{PLATES}', {NO_TIME}, 0, 0, '', 0, 0, plates, NULL, NULL", self._kind()
        )

    def _months(self) -> Part:
        """Return all events of the months in which the range begins and ends."""
        moment = connection.ops.adapt_datetimefield_value
        ends = {month_of(self.hours.start), month_of(self.hours.end)}
        where = f"span = %s AND kind = %s AND starts_at IN ({', '.join(['%s'] * len(ends))})"
        return (
            f"SELECT '{MONTH}', {started()}, 0, 0, '', events, 0, {NO_PLATES}, NULL, NULL "  # noqa: S608 - our names
            f"FROM {TABLE} WHERE {where}",
            [str(Rollup.Span.MONTH), str(Rollup.Kind.ALL), *map(moment, sorted(ends))],
        )

    def unique_plates(self, rolled: Rolled, others: Collection[str]) -> int:
        """Return about how many distinct plates there are, with those of events not rolled up."""
        stored = rolled.sketches
        if self.wanted.conditions:
            stored = [row[7] for row in _read(self._sketches())]
        return round(sketches.estimate([*stored, sketches.with_plates(b"", others)]))
