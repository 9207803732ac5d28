"""How sure each camera's readings were over time: a lens that gets dirty shows as a line that falls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncHour

from anpr_project.lib.errors import FieldError
from cameras.models import Camera
from events.models import PlateEvent
from events.spans import BUCKETS
from events.statistics.snapshot import one_snapshot
from events.statistics.summary import MAX_EVENTS, Counting, StatsRequest, newest
from events.statistics.tally import RollupReader, is_in_rollups, longest_within

MAX_POINTS = 100_000

Row = tuple[datetime, int | None, int, float]


class CameraConfidence(msgspec.Struct, frozen=True):
    """One camera, and for each start of a bucket its events and how sure they were."""

    camera: int | None
    name: str | None
    total: int
    mean_confidence: float
    events: list[int]
    confidence: list[float | None]


class Confidence(msgspec.Struct, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """`truncated`: the range holds more events than are looked at, so only the newest count."""

    start: datetime
    end: datetime
    bucket: str
    truncated: bool
    starts: list[datetime]
    cameras: list[CameraConfidence]


class _Sums:
    def __init__(self) -> None:
        self.events = 0
        self.confidence = 0.0

    def add(self, events: int, confidence: float) -> None:
        self.events += events
        self.confidence += confidence

    @property
    def mean(self) -> float | None:
        return round(self.confidence / self.events, 4) if self.events else None


def _one_by_one(events: QuerySet[PlateEvent]) -> Iterable[Row]:
    hours = events.order_by().values_list(TruncHour("captured_at", tzinfo=UTC), "camera_id")
    return hours.annotate(Count("id"), Sum("confidence"))


def _rows(asked: StatsRequest) -> tuple[list[Row], bool]:
    """Return what there is to add up, and whether older events were left out."""
    counting = Counting(asked)
    if not is_in_rollups(asked.wanted):
        events, is_cut = newest(counting.in_range, MAX_EVENTS)
        return list(_one_by_one(events)), is_cut
    hours = asked.range.whole(BUCKETS["hour"])
    span = longest_within(BUCKETS[asked.bucket])
    found: list[Row] = list(RollupReader(hours, asked.wanted).by_time(span, "camera"))
    for rest in counting.rests(hours):
        found.extend(_one_by_one(rest))
    return found, False


def _refuse_too_many_points(asked: StatsRequest) -> None:
    # One more for the events without a camera.
    points = (Camera.objects.count() + 1) * asked.range.bucket_count(BUCKETS[asked.bucket])
    if points > MAX_POINTS:
        raise FieldError(
            "bucket",
            "too_many",
            f"Cameras times {asked.bucket}s are more than {MAX_POINTS} here: ask for longer "
            "buckets or a shorter range.",
        )


def confidence_by_camera(asked: StatsRequest) -> Confidence:
    """Return the mean confidence of each camera in each bucket, the busiest camera first."""
    _refuse_too_many_points(asked)
    bucket = BUCKETS[asked.bucket]
    with one_snapshot():
        rows, is_cut = _rows(asked)
        names = dict(Camera.objects.values_list("pk", "name"))
    points: dict[int, dict[datetime, _Sums]] = defaultdict(lambda: defaultdict(_Sums))
    totals: dict[int, _Sums] = defaultdict(_Sums)
    for moment, camera, events, confidence in rows:
        points[camera or 0][bucket.start_of(moment)].add(events, confidence)
        totals[camera or 0].add(events, confidence)
    starts = list(asked.range.buckets(bucket))
    return Confidence(
        start=asked.range.start,
        end=asked.range.end,
        bucket=asked.bucket,
        truncated=is_cut,
        starts=starts,
        cameras=[
            CameraConfidence(
                camera=camera or None,
                name=names.get(camera),
                total=totals[camera].events,
                mean_confidence=totals[camera].mean or 0.0,
                events=[points[camera][start].events for start in starts],
                confidence=[points[camera][start].mean for start in starts],
            )
            for camera in sorted(totals, key=lambda key: (-totals[key].events, key))
        ],
    )
