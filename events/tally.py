"""Counts events by time, camera, zone and vehicle type: from rollups, or one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncHour

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

    def rows(self, *shown: str, longest: Rollup.Span = Rollup.Span.MONTH) -> QuerySet[Rollup]:
        """Return the fewest rows that tell apart what is shown and what is filtered by."""
        conditions = [condition.on(condition.parameter) for condition in self.wanted.conditions]
        properties = {*shown, *(condition.parameter for condition in self.wanted.conditions)}
        kind = Rollup.Kind.COMBINATION
        if len(properties) < 2:
            kind = Rollup.Kind(*properties) if properties else Rollup.Kind.ALL
        return Rollup.objects.filter(self._spans(longest), *conditions, kind=kind)

    def _spans(self, longest: Rollup.Span) -> Q:
        """Whole months by their rows, what is left at both ends by those of days, then of hours."""
        span, spans = Rollup.Span, Q(pk__in=())
        days = months = Range(self.hours.start, self.hours.start)
        if longest is not span.HOUR:
            days = self.hours.whole(BUCKETS["day"])
        if longest is span.MONTH:
            months = days.whole_months()
        parts = [(span.HOUR, part) for part in self.hours.without(days)]
        parts += [(span.DAY, part) for part in days.without(months)]
        for of, part in [*parts, (span.MONTH, months)]:
            if part:
                spans |= Q(span=of, starts_at__gte=part.start, starts_at__lt=part.end)
        return spans

    def count(self, tally: Tally) -> None:
        by_time = self.rows(longest=longest_within(tally.bucket)).values_list("starts_at")
        for start, events, confidence in by_time.annotate(Sum("events"), Sum("confidence_sum")):
            tally.add(start, events, confidence)
        # One statement for all properties: by their own rows, or by what they have in common.
        rows = self.rows(*PROPERTIES)
        if not self.wanted.conditions:
            rows = Rollup.objects.filter(self._spans(Rollup.Span.MONTH), kind__in=PROPERTIES)
        for kind, *values, events in rows.values_list("kind", *PROPERTIES).annotate(Sum("events")):
            for name, value in zip(PROPERTIES, values, strict=True):
                if kind in {name, Rollup.Kind.COMBINATION}:
                    tally.by[name][value] += events

    def unique_plates(self, others: Collection[str]) -> int:
        """Return about how many distinct plates there are, with those of events not rolled up."""
        stored = self.rows().values_list("plates", flat=True)
        return round(sketches.estimate([*stored, sketches.with_plates(b"", others)]))
