"""Counts events by time, camera, zone and vehicle type: from rollups, or one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncHour

from anpr_project.lib.statements import condition_of
from events import sketches
from events.filters import EventFilter
from events.models import PlateEvent, Rollup
from events.spans import BUCKETS, Bucket, Range

# The properties that rollups tell apart; named alike in the filter and in Rollup.
PROPERTIES = ("camera", "zone", "vehicle_type")


@dataclass
class Tally:
    """The counts of one range, by the start of the bucket and by each property's value."""

    bucket: Bucket
    events: Counter[datetime] = field(default_factory=Counter)
    confidence: dict[datetime, float] = field(default_factory=lambda: defaultdict(float))
    by: dict[str, Counter[int | str]] = field(
        default_factory=lambda: {name: Counter() for name in PROPERTIES}
    )

    @property
    def total(self) -> int:
        return self.events.total()

    @property
    def confidence_sum(self) -> float:
        return sum(self.confidence.values())

    def add(self, moment: datetime, events: int, confidence: float) -> None:
        start = self.bucket.start_of(moment)
        self.events[start] += events
        self.confidence[start] += confidence


def count_events(tally: Tally, events: QuerySet[PlateEvent]) -> None:
    """Add events one by one."""
    rows = (
        events.order_by()
        .values_list(TruncHour("captured_at", tzinfo=UTC), "camera_id", "zone_id", "vehicle_type")
        .annotate(Count("id"), Sum("confidence"))
    )
    for hour, camera, zone, vehicle_type, number, confidence in rows:
        tally.add(hour, number, confidence)
        for name, value in zip(PROPERTIES, (camera or 0, zone or 0, vehicle_type), strict=True):
            tally.by[name][value] += number


def is_in_rollups(wanted: EventFilter) -> bool:
    return {condition.parameter for condition in wanted.conditions} <= set(PROPERTIES)


def longest_within(bucket: Bucket) -> Rollup.Span:
    """Return the longest span of which each lies in one bucket."""
    return Rollup.Span.HOUR if bucket is BUCKETS["hour"] else Rollup.Span.DAY


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

    def read(
        self,
        columns: str,
        *kinds: str,
        longest: Rollup.Span = Rollup.Span.MONTH,
        grouped_by: str = "",
    ) -> list[tuple[Any, ...]]:
        """Return columns of the rows of these kinds, of no longer spans than that."""
        # Each with its kinds, as the index begins.
        span = f"span = %s AND kind IN ({', '.join(['%s'] * len(kinds))}) "
        span += "AND starts_at >= %s AND starts_at < %s"
        spans, values = [], list[Any]()
        moment = connection.ops.adapt_datetimefield_value
        for of, part in self._spans(longest):
            spans.append(span)
            values += [str(of), *map(str, kinds), moment(part.start), moment(part.end)]
        if not spans:
            return []
        conditions = (condition.on(condition.parameter) for condition in self.wanted.conditions)
        condition, more = condition_of(Rollup.objects.filter(*conditions))
        statement = f"SELECT {columns} FROM {Rollup._meta.db_table} "  # noqa: S608 - our own names
        statement += f"WHERE ({' OR '.join(spans)}) AND {condition}"
        with connection.cursor() as cursor:
            cursor.execute(f"{statement} {grouped_by}", [*values, *more])
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found

    def by_time(self, longest: Rollup.Span, *shown: str) -> list[tuple[Any, ...]]:
        """Return start, what is shown, events and sum of confidence."""
        columns = ", ".join(("starts_at", *shown))
        found = self.read(
            f"{columns}, SUM(events), SUM(confidence_sum)",
            self._kind(*shown),
            longest=longest,
            grouped_by=f"GROUP BY {columns}",
        )
        # SQLite keeps UTC without saying so; PostgreSQL adds whole numbers up to a decimal.
        return [
            (start.replace(tzinfo=UTC), *what, int(events), confidence)
            for start, *what, events, confidence in found
        ]

    def count(self, tally: Tally) -> None:
        for start, events, confidence in self.by_time(longest_within(tally.bucket)):
            tally.add(start, events, confidence)
        # One statement for all properties: by their own rows, or by what they have in common.
        kinds = [Rollup.Kind.COMBINATION] if self.wanted.conditions else PROPERTIES
        columns = ", ".join(("kind", *PROPERTIES))
        counts = self.read(f"{columns}, SUM(events)", *kinds, grouped_by=f"GROUP BY {columns}")
        for kind, *values, events in counts:
            for name, value in zip(PROPERTIES, values, strict=True):
                if kind in {name, Rollup.Kind.COMBINATION}:
                    tally.by[name][value] += int(events)

    def unique_plates(self, others: Collection[str]) -> int:
        """Return about how many distinct plates there are, with those of events not rolled up."""
        stored = [plates for (plates,) in self.read("plates", self._kind())]
        return round(sketches.estimate([*stored, sketches.with_plates(b"", others)]))
