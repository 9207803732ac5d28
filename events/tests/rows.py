"""Stored events for tests of what reads them; what sends them is tested elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from events.models import PlateEvent, TpmsReading
from events.plates import normalize
from sensors.models import SensorSettings
from sensors.tests.factories import make_sensor

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def build_event(sensor: SensorSettings, plate: str = "AB12 CDE", **fields: Any) -> PlateEvent:
    """Return an event that is not stored yet."""
    captured_at = fields.get("captured_at", NOON)
    defaults = {
        "plate_normalized": normalize(plate),
        "confidence": 0.9,
        "captured_at": captured_at,
        "received_at": captured_at + timedelta(seconds=1),
        "content_sha256": "0" * 64,
        "camera_id": sensor.camera_id,
    }
    return PlateEvent(sensor=sensor, plate=plate, **defaults | fields)


def make_event(
    plate: str = "AB12 CDE",
    sensor: SensorSettings | None = None,
    tyres: Iterable[str] = (),
    **fields: Any,
) -> PlateEvent:
    event = build_event(sensor or make_sensor(), plate, **fields)
    event.save()
    for tyre in tyres:
        TpmsReading.objects.create(event=event, tyre_id=tyre)
    return event
