"""From a reading to a stored event: pictures on disk, one transaction, then the answer.

Nothing here talks to Redis, a broker or an exporter: the dispatcher finds the committed row.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from enum import Enum
from typing import Any

import msgspec
from django.db import IntegrityError
from django.utils import timezone
from rest_framework import exceptions, status

from anpr_project.lib.errors import Unavailable
from cameras.models import Camera
from events.ingest.insert import NewEvent, insert_event
from events.ingest.submission import Submission
from events.ingest.zoning import zone_of
from events.models import EventReceipt, PlateEvent
from events.pictures.images import Picture, StoredPictures, inspect, refuse_when_full
from events.plates import normalize
from events.readings import PlateReading, canonical
from events.representation import EventView, represent, represent_new
from sensors.credentials import Credential
from sensors.models import SensorSettings
from zones.models import Zone, ZoneType


class ContentDiffers(exceptions.APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "content_differs"
    default_detail = "This event_id was already sent with other content."


class CameraNotAllowed(exceptions.PermissionDenied):
    default_code = "camera_not_allowed"
    default_detail = "This sensor may not report for this camera, or the camera is disabled."


class Outcome(Enum):
    """What became of a reading, as the HTTP status that says it."""

    STORED = status.HTTP_201_CREATED
    REPEATED = status.HTTP_200_OK
    EXCLUDED = status.HTTP_202_ACCEPTED


@dataclass(frozen=True)
class Result:
    outcome: Outcome
    event: EventView | None = None
    # Of what is not kept: in which zone it was, or whether it was stored once and erased on request.
    zone: Zone | None = None
    was_erased: bool = False


def camera_for(sensor: SensorSettings, reading: PlateReading) -> Camera | None:
    """Return the sensor's camera; CameraNotAllowed for any other, whether it exists or not."""
    if reading.camera is not None and reading.camera != sensor.camera_id:
        raise CameraNotAllowed
    camera = sensor.camera
    if camera is not None and not camera.enabled:
        raise CameraNotAllowed
    return camera


def content_sha256(reading: PlateReading, pictures: Mapping[str, Picture]) -> bytes:
    """Return what tells a repeat from a conflict: the reading's meaning and the pictures' bytes."""
    digest = hashlib.sha256(canonical(reading))
    for kind in sorted(pictures):
        digest.update(f"{kind}:{pictures[kind].sha256}".encode())
    return digest.digest()


def _details(reading: PlateReading) -> dict[str, Any]:
    """What no filter asks for, without what is absent."""
    kept: dict[str, Any] = {}
    for name in ("candidates", "bbox", "sequence", "location", "vehicle"):
        value = getattr(reading, name)
        if value is not None and value != ():
            kept[name] = msgspec.to_builtins(value)
    return kept


def columns_of(reading: PlateReading) -> dict[str, Any]:
    """Return the fields of an event that the reading alone decides."""
    vehicle = reading.vehicle
    return {
        "event_id": reading.event_id or uuid.uuid4(),
        "plate": reading.plate,
        "plate_normalized": normalize(reading.plate),
        "confidence": reading.confidence,
        "region": reading.region,
        "captured_at": reading.captured_at.astimezone(UTC),
        "vehicle_type": (vehicle and vehicle.type) or "",
        "vehicle_make": (vehicle and vehicle.make) or "",
        "vehicle_color": (vehicle and vehicle.color) or "",
        "details": _details(reading),
    }


def already_stored(new: NewEvent) -> PlateEvent | None:
    """Return the row that this sensor stored under the same event_id; it must be the same content.

    None when it was erased since.
    """
    receipts = list(EventReceipt.objects.filter(sensor_id=new.sensor_id, event_id=new.event_id))
    found = PlateEvent.objects.with_parts().of(receipts)
    if not found and any(receipt.is_of_erased for receipt in receipts):
        return None
    if not found:
        raise Unavailable("The event was stored before and is being deleted. Try again.")
    if bytes(found[0].receipt.content_sha256) != new.content_sha256:
        raise ContentDiffers
    return found[0]


def record(*, credential: Credential, submission: Submission) -> Result:
    """Store a reading and its pictures durably, once.

    When this returns STORED, the files are synced and the row is committed. A repeat returns the
    stored event; the same event_id with other content raises ContentDiffers. A reading in an
    exclusion zone leaves no trace.
    """
    reading, sensor = submission.reading, credential.sensor
    camera = camera_for(sensor, reading)
    sent = {"frame": submission.frame, "crop": submission.crop}
    pictures = {kind: inspect(data, kind) for kind, data in sent.items() if data is not None}
    frame = pictures.get("frame")
    zone = zone_of(
        reading=reading,
        sensor=sensor,
        camera=camera,
        zones=credential.zones,
        frame_size=(frame.width, frame.height) if frame else None,
    )
    if zone and zone.zone_type == ZoneType.EXCLUSION:
        return Result(Outcome.EXCLUDED, zone=zone)
    refuse_when_full()
    received_at = timezone.now()
    stored_pictures = StoredPictures(pictures, received_at)
    new = NewEvent(
        sensor_id=sensor.pk,
        camera_id=camera.pk if camera else None,
        zone_id=zone.pk if zone else None,
        content_sha256=content_sha256(reading, pictures),
        received_at=received_at,
        tyres=reading.tpms,
        **columns_of(reading),
        **stored_pictures.columns,
    )
    stored_pictures.write()
    try:
        is_new = insert_event(new)
    except IntegrityError:
        # The camera or zone was deleted meanwhile. (Of any other failure of the database it is
        # unknown whether the commit went through: then the files stay, for the sweep to judge.)
        stored_pictures.discard()
        raise
    if not is_new:
        stored_pictures.discard()
        stored = already_stored(new)
        if stored is None:
            return Result(Outcome.EXCLUDED, was_erased=True)
        return Result(Outcome.REPEATED, event=represent(stored))
    sensor.note_life_sign(captured_at=new.captured_at, received_at=received_at)
    return Result(Outcome.STORED, event=represent_new(new, new.tyre_rows(), sensor, camera, zone))
