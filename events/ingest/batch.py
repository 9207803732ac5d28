"""Ingest of up to 1,000 events without pictures in one request: each has a result of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from rest_framework.exceptions import APIException

from anpr_project.lib.errors import FieldError, TooLarge, Unavailable, error_body
from events.ingest.bulk_insert import NO_PICTURES, Row, insert_receipts, insert_rows
from events.ingest.insert import tyre_row
from events.ingest.recording import ContentDiffers, Outcome, camera_for, columns_of, content_sha256
from events.ingest.submission import MAX_BYTES
from events.ingest.zoning import zone_of
from events.models import ERASED, EventReceipt, TpmsReading
from events.pictures.images import refuse_when_full
from events.readings import PlateReading, decode_reading
from sensors.credentials import Credential
from sensors.models import SensorSettings
from zones.models import Zone, ZoneType

MAX_EVENTS = 1000


@dataclass(slots=True)
class Item:
    """One event of a batch on its way to its result."""

    reading: PlateReading | None = None
    row: Row | None = None
    # The event_id as text: of many, the cheaper key by far.
    key: str = ""
    digest: bytes = b""
    stored: int | None = None
    outcome: Outcome | None = None
    error: APIException | None = None

    def result(self) -> dict[str, Any]:
        if self.error is not None:
            return {"status": self.error.status_code, "error": error_body(self.error)}
        assert self.outcome is not None  # noqa: S101 - record_batch settles every item
        if self.stored is None:
            return {"status": self.outcome.value}
        return {"status": self.outcome.value, "id": self.stored, "event_id": self.key}


def _decode(raw: bytes) -> Item:
    try:
        if len(raw) > MAX_BYTES["event"]:
            raise TooLarge("", "too_large", f"Larger than {MAX_BYTES['event']} bytes.")
        return Item(reading=decode_reading(raw))
    except FieldError as error:
        return Item(error=error)


def _prepare(
    item: Item, sensor: SensorSettings, zones: Sequence[Zone], received_at: datetime
) -> None:
    """Make the row, or settle the item: excluded, or not this sensor's to report."""
    reading = item.reading
    if reading is None:
        return
    try:
        camera = camera_for(sensor, reading)
    except APIException as error:
        item.error = error
        return
    zone = zone_of(reading=reading, sensor=sensor, camera=camera, zones=zones, frame_size=None)
    if zone and zone.zone_type == ZoneType.EXCLUSION:
        item.outcome = Outcome.EXCLUDED
        return
    item.digest = content_sha256(reading, {})
    item.row = NO_PICTURES | columns_of(reading)
    item.key = str(item.row["event_id"])
    item.row |= {
        "sensor_id": sensor.pk,
        "camera_id": camera and camera.pk,
        "zone_id": zone and zone.pk,
        "received_at": received_at,
    }


def _settle(item: Item, known: dict[str, tuple[int, bytes]]) -> None:
    """Settle what was stored before, or came earlier in this batch."""
    stored = known.get(item.key)
    if stored is None:
        item.error = Unavailable("The event was stored before and is being deleted. Try again.")
    elif stored[1] == ERASED:
        item.outcome = Outcome.EXCLUDED
    elif stored[1] == item.digest:
        item.outcome, item.stored = Outcome.REPEATED, stored[0]
    else:
        item.error = ContentDiffers()


def _insert(new: Sequence[Item]) -> None:
    rows = [item.row | {"id": item.stored} for item in new if item.row]
    insert_rows(rows)
    TpmsReading.objects.bulk_create(
        tyre_row(tyre, item.stored, item.row["captured_at"])
        for item in new
        if item.row and item.reading and item.stored
        for tyre in item.reading.tpms
    )


def _store(items: Sequence[Item], sensor: SensorSettings) -> None:
    """Insert what is new in one transaction, and settle every item."""
    first: dict[str, Item] = {}
    for item in items:
        first.setdefault(item.key, item)
    with transaction.atomic():
        ids = insert_receipts(
            sensor.pk, [(key, item.digest, item.row) for key, item in first.items() if item.row]
        )
        new = [first[key] for key in first if key in ids]
        for item in new:
            item.outcome, item.stored = Outcome.STORED, ids[item.key]
        _insert(new)
        if len(new) == len(items):
            return
        known = {item.key: (ids[item.key], item.digest) for item in new}
        before = EventReceipt.objects.filter(sensor=sensor, event_id__in=first.keys() - ids.keys())
        known |= {
            str(event_id): (pk, bytes(digest))
            for event_id, pk, digest in before.values_list("event_id", "id", "content_sha256")
        }
    for item in items:
        if item.outcome is None:
            _settle(item, known)


def record_batch(*, credential: Credential, raw_events: list[bytes]) -> list[dict[str, Any]]:
    """Store what is good, once each, and say of each event what became of it, in the order sent.

    Raises FieldError when the batch itself is wrong (empty, or more than 1,000 events).
    """
    if not 1 <= len(raw_events) <= MAX_EVENTS:
        raise FieldError("", "batch_size", f"Expected 1 to {MAX_EVENTS} events.")
    refuse_when_full()
    items = [_decode(raw) for raw in raw_events]
    sensor, received_at = credential.sensor, timezone.now()
    for item in items:
        _prepare(item, sensor, credential.zones, received_at)
    prepared = [item for item in items if item.row]
    if prepared:
        _store(prepared, sensor)
    captured = [
        item.row["captured_at"] for item in prepared if item.row and item.outcome is Outcome.STORED
    ]
    if captured:
        sensor.note_life_sign(captured_at=max(captured), received_at=received_at)
    return [item.result() for item in items]
