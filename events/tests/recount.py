"""Events of a few weeks in any order, questions about them, and the plainest way to the answers."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from cameras.tests.factories import make_camera
from events.filters import parse_filter
from events.models import EventReceipt, PlateEvent
from events.spans import week_of
from events.statistics.rollups import remove_events
from events.stream.dispatch import assign_positions
from events.tests.rows import NOON, build_event, store
from sensors.tests.factories import make_sensor
from zones.tests.factories import make_zone

URL = "/api/v1/events/stats"


def get(client: APIClient, **query: Any) -> Any:
    response = client.get(URL, query)
    assert response.status_code == 200, response.content
    return response.json()


def recount(start: datetime, end: datetime, bucket: str, query: dict[str, Any]) -> dict[str, Any]:
    """The same statistics, counted in the plainest way."""
    wanted = parse_filter(query)
    events = [
        event
        for event in PlateEvent.objects.with_parts()
        if start <= event.captured_at < end and wanted.matches(event)
    ]
    floors: dict[str, Callable[[datetime], datetime]] = {
        "hour": lambda moment: moment.replace(minute=0, second=0, microsecond=0),
        "day": lambda moment: moment.replace(hour=0, minute=0, second=0, microsecond=0),
        "week": week_of,
    }
    plates = Counter(event.plate_normalized for event in events)
    return {
        "total": len(events),
        "mean_confidence": (
            pytest.approx(sum(event.confidence for event in events) / len(events))
            if events
            else None
        ),
        "unique_plates": len(plates),
        "series": Counter(
            floors[bucket](event.captured_at).isoformat().replace("+00:00", "Z") for event in events
        ),
        "camera": Counter(event.camera_id for event in events),
        "zone": Counter(event.zone_id for event in events),
        "vehicle_type": Counter(event.vehicle_type or None for event in events),
        "top_plates": sorted(plates.items(), key=lambda item: (-item[1], item[0]))[:10],
    }


def reported(body: Any) -> dict[str, Any]:
    return {
        "total": body["total"],
        "mean_confidence": body["mean_confidence"],
        "unique_plates": body["unique_plates"],
        "series": Counter({p["start"]: p["events"] for p in body["series"] if p["events"]}),
        **{
            name: Counter({entry[name]: entry["events"] for entry in body[f"by_{name}"]})
            for name in ("camera", "zone", "vehicle_type")
        },
        "top_plates": [(entry["plate"], entry["events"]) for entry in body["top_plates"]],
    }


class Traffic:
    """Late, early and out-of-order events of a few weeks, and questions about them."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - a test's dice
        self.sensor = make_sensor()
        self.cameras = [make_camera().pk for _ in range(3)]
        self.zones = [make_zone().pk for _ in range(2)]

    def moment(self) -> datetime:
        # Whole hours and days too, for the ends of spans.
        moment = NOON + timedelta(seconds=self.chance.randrange(-20 * 86_400, 20 * 86_400))
        return self.chance.choice(
            [moment, moment.replace(minute=0, second=0), moment.replace(hour=0, minute=0, second=0)]
        )

    def arrive(self, count: int) -> None:
        store(
            build_event(
                self.sensor,
                self.chance.choice(["A1", "B2", "C3", f"D{self.chance.randrange(30)}"]),
                captured_at=self.moment(),
                confidence=self.chance.random(),
                camera_id=self.chance.choice([None, *self.cameras]),
                zone_id=self.chance.choice([None, *self.zones]),
                vehicle_type=self.chance.choice(["", "car", "Car", "truck"]),
                region=self.chance.choice(["gb", "de"]),
            )
            for _ in range(count)
        )

    def dispatch_some(self) -> None:
        with transaction.atomic():
            assign_positions(self.chance.randrange(1, 40))

    def remove_some(self) -> None:
        picked: Sequence[PlateEvent] = list(PlateEvent.objects.order_by("?")[:10])
        with transaction.atomic():
            remove_events(picked)
            for model in (PlateEvent, EventReceipt):
                model.objects.filter(pk__in=[event.pk for event in picked]).delete()

    def question(self) -> tuple[datetime, datetime, str, dict[str, Any]]:
        start, end = sorted([self.moment(), self.moment()])
        query: dict[str, list[str]] = {}
        if self.chance.random() < 0.5:
            query["camera"] = [str(pk) for pk in self.chance.sample(self.cameras, 2)]
        if self.chance.random() < 0.3:
            query["zone"] = [str(self.chance.choice(self.zones))]
        if self.chance.random() < 0.3:
            query["vehicle_type"] = ["CAR"]
        if self.chance.random() < 0.2:
            query["region"] = ["gb"]
        bucket = self.chance.choice(["hour", "day", "week"])
        return start, end + timedelta(microseconds=1), bucket, query
