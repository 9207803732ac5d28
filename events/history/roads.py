"""Where and when: cameras with their sensors and zones, and the traffic of each day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

from cameras.models import Camera
from events.simulation.traffic import DAILY_CURVE
from sensors.models import SensorSettings
from zones.models import Zone

# Monday to Sunday, as multiples of the mean day.
WEEKLY_CURVE = (1.02, 1.06, 1.07, 1.09, 1.13, 0.88, 0.75)
CAMERAS, ZONES = 24, 8
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Place:
    sensor: int
    camera: int
    zone: int | None


def _square(number: int) -> dict[str, object]:
    west, south = -0.5 + number * 0.1, 51.0 + number * 0.05
    ring = [(0.0, 0.0), (0.02, 0.0), (0.02, 0.02), (0.0, 0.02), (0.0, 0.0)]
    return {
        "type": "Polygon",
        "coordinates": [[[west + x, south + y] for x, y in ring]],
    }


def make_places() -> list[Place]:
    """Return the places of earlier calls, or make them; every fourth camera is in no zone."""
    zones = [
        Zone.objects.get_or_create(
            name=f"History zone {number}",
            defaults={"zone_type": "detection", "space": "map", "geometry": _square(number)},
        )[0]
        for number in range(1, ZONES + 1)
    ]
    places = []
    for number in range(1, CAMERAS + 1):
        camera, _ = Camera.objects.get_or_create(
            name=f"History camera {number:02}",
            defaults={"rtsp_url": f"rtsp://192.0.2.{number}/stream"},
        )
        zone = zones[number % ZONES] if number % 4 else None
        sensor, _ = SensorSettings.objects.get_or_create(
            name=f"History sensor {number:02}", defaults={"camera": camera, "zone": zone}
        )
        places.append(Place(sensor.pk, camera.pk, zone.pk if zone else None))
    return places


class Traffic:
    """Busy places and quiet ones, busy hours and quiet ones."""

    def __init__(self, random: Random, places: list[Place]) -> None:
        self.random, self.places = random, places
        self.place_weights = list(accumulate(1 / (rank + 3) for rank in range(len(places))))

    def split(self, count: int, end: datetime, days: int) -> Iterator[tuple[datetime, int]]:
        """Yield each day's start and its number of events, `count` in all."""
        starts = [end - DAY * left for left in range(days, 0, -1)]
        weights = [
            WEEKLY_CURVE[start.weekday()] * self.random.uniform(0.92, 1.08) for start in starts
        ]
        given, sums = 0, list(accumulate(weights))
        for start, reached in zip(starts, sums, strict=True):
            up_to = round(count * reached / sums[-1])
            yield start, up_to - given
            given = up_to

    def day(self, start: datetime, count: int) -> list[tuple[datetime, Place]]:
        """Return when and where `count` vehicles pass on a day, in order."""
        random = self.random
        hours = random.choices(range(24), DAILY_CURVE, k=count)
        places = random.choices(self.places, cum_weights=self.place_weights, k=count)
        seconds = sorted(hour * 3600 + random.random() * 3600 for hour in hours)
        return [
            (start + timedelta(seconds=second), place)
            for second, place in zip(seconds, places, strict=True)
        ]
