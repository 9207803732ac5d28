"""An event as everybody outside sees it: API, stream, exports."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from events.models import PlateEvent, TpmsReading
from events.readings import Candidate, Location, Vehicle


class TyreView(msgspec.Struct, frozen=True):
    id: str
    model: str
    pressure_kpa: float | None
    temperature_c: float | None
    battery_ok: bool | None


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """One event, the same at every look: what changes later (position, exports) is not in it."""

    id: int
    event_id: UUID
    plate: str
    plate_normalized: str
    confidence: float
    region: str
    captured_at: datetime
    received_at: datetime
    sensor: int
    sensor_name: str
    camera: int | None
    camera_name: str | None
    zone: int | None
    zone_name: str | None
    candidates: tuple[Candidate, ...]
    bbox: tuple[float, float, float, float] | None
    sequence: int | None
    vehicle: Vehicle | None
    location: Location | None
    tpms: tuple[TyreView, ...]
    frame_url: str | None
    frame_sha256: str | None
    crop_url: str | None
    crop_sha256: str | None


def _tyre(reading: TpmsReading) -> TyreView:
    return TyreView(
        id=reading.tyre_id,
        model=reading.model,
        pressure_kpa=reading.pressure_kpa,
        temperature_c=reading.temperature_c,
        battery_ok=reading.battery_ok,
    )


def represent(event: PlateEvent, tyres: Iterable[TpmsReading] | None = None) -> EventView:
    """Return the outside view of an event loaded with `with_parts()`, or with its tyres given."""
    details: dict[str, Any] = event.details
    return EventView(
        id=event.pk,
        event_id=event.event_id,
        plate=event.plate,
        plate_normalized=event.plate_normalized,
        confidence=event.confidence,
        region=event.region,
        captured_at=event.captured_at,
        received_at=event.received_at,
        sensor=event.sensor_id,
        sensor_name=event.sensor.name,
        camera=event.camera_id,
        camera_name=event.camera.name if event.camera else None,
        zone=event.zone_id,
        zone_name=event.zone.name if event.zone else None,
        candidates=msgspec.convert(details.get("candidates", ()), tuple[Candidate, ...]),
        bbox=details.get("bbox"),
        sequence=details.get("sequence"),
        vehicle=msgspec.convert(details.get("vehicle"), Vehicle | None),
        location=msgspec.convert(details.get("location"), Location | None),
        tpms=tuple(_tyre(reading) for reading in (event.tyres.all() if tyres is None else tyres)),
        frame_url=f"/api/v1/events/{event.pk}/frame" if event.frame else None,
        frame_sha256=event.frame_sha256 or None,
        crop_url=f"/api/v1/events/{event.pk}/crop" if event.crop else None,
        crop_sha256=event.crop_sha256 or None,
    )
