"""An event as everybody outside sees it: API, stream, exports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from cameras.models import Camera
from events.models import PlateEvent, TpmsReading
from events.readings import Candidate, Location, Vehicle
from sensors.models import SensorSettings
from zones.models import Zone


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


class Details(msgspec.Struct, frozen=True):
    """What an event keeps as JSON."""

    candidates: tuple[Candidate, ...] = ()
    bbox: tuple[float, float, float, float] | None = None
    sequence: int | None = None
    vehicle: Vehicle | None = None
    location: Location | None = None


# Of the text: Django's JSON and a conversion of each part cost five times as much.
_details = msgspec.json.Decoder(Details)


def _tyre(reading: TpmsReading) -> TyreView:
    return TyreView(
        id=reading.tyre_id,
        model=reading.model,
        pressure_kpa=reading.pressure_kpa,
        temperature_c=reading.temperature_c,
        battery_ok=reading.battery_ok,
    )


def represent(event: PlateEvent) -> EventView:
    """Return the outside view of an event loaded with `with_parts()`."""
    return represent_new(event, event.tyres.all(), event.sensor, event.camera, event.zone)


def represent_new(
    event: Any,
    tyres: Iterable[TpmsReading],
    sensor: SensorSettings,
    camera: Camera | None,
    zone: Zone | None,
) -> EventView:
    """Return the outside view of what has the fields of an event, with all that belongs to it."""
    return _view(
        event,
        msgspec.convert(event.details, Details),
        sensor_name=sensor.name,
        camera_name=camera.name if camera else None,
        zone_name=zone.name if zone else None,
        tyres=tyres,
    )


def _tyres_of(events: Sequence[int]) -> Mapping[int, Sequence[TpmsReading]]:
    tyres: dict[int, list[TpmsReading]] = defaultdict(list)
    for tyre in TpmsReading.objects.filter(event__among=events).order_by("id"):
        tyres[tyre.event_id].append(tyre)
    return tyres


def represent_rows(found: Sequence[Any]) -> list[EventView]:
    """Return the outside views of rows (event_rows.py), in their order."""
    with_tyres = [row.pk for row in found if row.first_tyre]
    tyres = _tyres_of(with_tyres) if with_tyres else {}
    return [
        _view(
            row,
            _details.decode(row.details_text),
            sensor_name=row.sensor__name,
            camera_name=row.camera__name,
            zone_name=row.zone__name,
            tyres=tyres.get(row.pk, ()),
        )
        for row in found
    ]


def _view(
    event: Any,
    details: Details,
    *,
    sensor_name: str,
    camera_name: str | None,
    zone_name: str | None,
    tyres: Iterable[TpmsReading],
) -> EventView:
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
        sensor_name=sensor_name,
        camera=event.camera_id,
        camera_name=camera_name,
        zone=event.zone_id,
        zone_name=zone_name,
        candidates=details.candidates,
        bbox=details.bbox,
        sequence=details.sequence,
        vehicle=details.vehicle,
        location=details.location,
        tpms=tuple(map(_tyre, tyres)),
        frame_url=f"/api/v1/events/{event.pk}/frame" if event.frame else None,
        frame_sha256=event.frame_sha256 or None,
        crop_url=f"/api/v1/events/{event.pk}/crop" if event.crop else None,
        crop_sha256=event.crop_sha256 or None,
    )
