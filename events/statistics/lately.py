"""What was read lately, per hour, camera and zone: from the rollups, so that a million events cost nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.utils import timezone

from cameras.models import Camera
from events.models import PlateEvent, Rollup
from events.spans import DAY, HOUR, hour_of

SHOWN_HOURS = 24


@dataclass(frozen=True)
class Lately:
    """Reads per hour, of the last hours and of the same hours a day before, and the days' sums."""

    hours: list[datetime]
    reads: list[int]
    day_before: list[int]
    today: int
    # Until the same time of day.
    yesterday: int


def midnight_before(moment: datetime) -> datetime:
    """Return the beginning of that day in the server's time zone, as a whole hour of UTC."""
    return hour_of(timezone.localtime(moment).replace(hour=0, minute=0, second=0, microsecond=0))


def read_lately(now: datetime) -> Lately:
    this_hour = hour_of(now)
    hours = [this_hour - HOUR * back for back in reversed(range(SHOWN_HOURS))]
    today, yesterday = midnight_before(now), midnight_before(now - DAY)
    counted = Rollup.objects.filter(
        span=Rollup.Span.HOUR,
        kind=Rollup.Kind.ALL,
        starts_at__gte=min(yesterday, hours[0] - DAY),
        # A sensor whose clock is ahead reports from the future.
        starts_at__lte=this_hour,
    ).values_list("starts_at", "events")
    reads = dict(counted)
    # The hour that had just begun at this time yesterday.
    begun = PlateEvent.objects.filter(
        captured_at__gte=this_hour - DAY, captured_at__lt=now - DAY
    ).count()
    return Lately(
        hours=hours,
        reads=[reads.get(hour, 0) for hour in hours],
        day_before=[reads.get(hour - DAY, 0) for hour in hours],
        today=sum(number for hour, number in reads.items() if hour >= today),
        yesterday=begun
        + sum(number for hour, number in reads.items() if yesterday <= hour < this_hour - DAY),
    )


def reads_today(kind: str, ids: Collection[int]) -> dict[int, int]:
    """Return how many reads each of these cameras (or zones) has had since midnight."""
    now = timezone.now()
    rows = Rollup.objects.filter(
        span=Rollup.Span.HOUR,
        kind=kind,
        starts_at__gte=midnight_before(now),
        starts_at__lte=hour_of(now),
        **{f"{kind}__in": ids},
    )
    return dict(rows.order_by().values_list(kind).annotate(reads=Sum("events")))


def with_last_read(cameras: QuerySet[Camera], field: str, until: datetime) -> QuerySet[Any]:
    """Annotate `last_read`: that field of each camera's newest read, one look into the index each."""
    newest = PlateEvent.objects.filter(
        camera=OuterRef("pk"), captured_at__lte=until + timedelta(minutes=1)
    ).order_by("-captured_at", "-id")
    return cameras.annotate(last_read=Subquery(newest.values(field)[:1]))


def latest_reads(cameras: Collection[int]) -> dict[int, PlateEvent]:
    """Return the newest read of each of these cameras, in two queries."""
    now = timezone.now()
    rows = with_last_read(Camera.objects.filter(pk__in=cameras), "captured_at", now)
    moments = {moment for moment in rows.values_list("last_read", flat=True) if moment}
    events = PlateEvent.objects.filter(camera__in=cameras, captured_at__in=moments).order_by(
        "captured_at", "id"
    )
    return {event.camera_id: event for event in events if event.camera_id is not None}
