"""Cameras that are silent for too long, each judged by its own past."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db.models import Q

from cameras.models import Camera
from events.models import Rollup
from events.spans import DAY, HOUR, WEEK, Range, day_of, hour_of
from events.statistics.lately import with_last_read

# Traffic has gaps of its own.
LEAST_SILENCE = timedelta(minutes=5)
# Where ten reads are usual, chance alone leaves them all out once in 20,000 times (e^-10).
ENOUGH = 10


@dataclass(frozen=True)
class Silence:
    """A camera without a read since then, and how many it had in the same time before."""

    camera: Camera
    since: datetime
    usual: int


def silent_cameras(now: datetime) -> list[Silence]:
    """Return the enabled cameras that should have read something by now, the busiest first.

    The measure is the same time a week before: so neither a night nor a weekend is taken for a
    fault. A silence of more than a week is measured by the whole week before it, and a camera that
    is not yet a week old by the day before.
    """
    cameras = Camera.objects.filter(enabled=True).only("name", "created_at")
    spoken = with_last_read(cameras, "captured_at", now).filter(last_read__lt=now - LEAST_SILENCE)
    silences = {camera: Range(camera.last_read, now) for camera in spoken}
    usual = _reads_in({camera.pk: _before(camera, span) for camera, span in silences.items()})
    found = [
        Silence(camera, span.start, round(usual[camera.pk]))
        for camera, span in silences.items()
        if usual[camera.pk] >= ENOUGH
    ]
    return sorted(found, key=lambda silence: -silence.usual)


def _before(camera: Camera, silence: Range) -> Range:
    """Return the span to compare with: over when the camera fell silent, and at most a week."""
    period = WEEK if camera.created_at <= silence.start - WEEK else DAY
    return Range(silence.start - period, min(silence.start, silence.end - period))


def _reads_in(spans: dict[int, Range]) -> dict[int, float]:
    """Return how many reads each camera had in its span; of an hour cut by it, the share."""
    reads: dict[int, float] = defaultdict(float)
    wanted = _hours_of(spans)
    if not wanted:
        return reads
    rows = Rollup.objects.filter(wanted, span=Rollup.Span.HOUR, kind=Rollup.Kind.CAMERA)
    for camera, start, events in rows.values_list("camera", "starts_at", "events"):
        reads[camera] += events * _share(spans[camera], start)
    return reads


def _share(span: Range, hour: datetime) -> float:
    inside = min(span.end, hour + HOUR) - max(span.start, hour)
    return max(inside / HOUR, 0.0)


def _hours_of(spans: dict[int, Range]) -> Q:
    """One condition for all spans that end on a day, not for each camera: most of them share it."""
    cameras: dict[datetime, list[int]] = defaultdict(list)
    for camera, span in spans.items():
        cameras[day_of(span.end)].append(camera)
    parts: Iterable[Q] = (
        Q(
            camera__in=ids,
            starts_at__gte=hour_of(min(spans[camera].start for camera in ids)),
            starts_at__lt=max(spans[camera].end for camera in ids),
        )
        for ids in cameras.values()
    )
    return reduce(or_, parts, Q())
