"""Stored events for tests of what reads them; what sends them is tested elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from events.models import EventReceipt, PlateEvent, TpmsReading
from events.plates import normalize
from sensors.models import SensorSettings
from sensors.tests.factories import make_sensor

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def build_event(sensor: SensorSettings, plate: str = "AB12 CDE", **fields: Any) -> PlateEvent:
    """Return an event that is not stored yet, with its receipt."""
    captured_at, position = fields.get("captured_at", NOON), fields.pop("position", None)
    defaults = {
        "plate_normalized": normalize(plate),
        "confidence": 0.9,
        "captured_at": captured_at,
        "received_at": captured_at + timedelta(seconds=1),
        "camera_id": sensor.camera_id,
    }
    event = PlateEvent(sensor=sensor, plate=plate, **defaults | fields)
    event.receipt = EventReceipt(
        sensor=sensor,
        event_id=event.event_id,
        content_sha256=bytes(32),
        captured_at=captured_at,
        position=position,
    )
    return event


def store(events: Iterable[PlateEvent]) -> list[PlateEvent]:
    """Store what `build_event` returned."""
    stored = list(events)
    EventReceipt.objects.bulk_create([event.receipt for event in stored])
    for event in stored:
        event.pk = event.receipt.pk
    return PlateEvent.objects.bulk_create(stored)


def make_event(
    plate: str = "AB12 CDE",
    sensor: SensorSettings | None = None,
    tyres: Iterable[str] = (),
    **fields: Any,
) -> PlateEvent:
    event = build_event(sensor or make_sensor(), plate, **fields)
    store([event])
    for tyre in tyres:
        TpmsReading.objects.create(event=event, captured_at=event.captured_at, tyre_id=tyre)
    return event
