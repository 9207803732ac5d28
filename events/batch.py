"""Ingest of up to 1,000 events without pictures in one request: each has a result of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from rest_framework.exceptions import APIException

from anpr_project.lib.errors import FieldError, TooLarge, error_body
from events.images import refuse_when_full
from events.ingest import (
    ContentDiffers,
    Outcome,
    camera_for,
    new_event,
    tyre_row,
)
from events.insert import insert_new_events
from events.models import EventReceipt, PlateEvent, TpmsReading
from events.readings import PlateReading, decode_reading
from events.submission import MAX_BYTES
from events.zoning import zone_of
from sensors.credentials import Credential
from sensors.models import SensorSettings
from zones.models import Zone, ZoneType

MAX_EVENTS = 1000


@dataclass
class Item:
    """One event of a batch on its way to its result."""

    reading: PlateReading | None = None
    event: PlateEvent | None = None
    stored: PlateEvent | None = None
    outcome: Outcome | None = None
    error: APIException | None = None

    def result(self) -> dict[str, Any]:
        if self.error is not None:
            return {"status": self.error.status_code, "error": error_body(self.error)}
        assert self.outcome is not None  # noqa: S101 - record_batch settles every item
        if self.stored is None:
            return {"status": self.outcome.value}
        return {
            "status": self.outcome.value,
            "id": self.stored.pk,
            "event_id": self.stored.event_id,
        }


def _decode(raw: bytes) -> Item:
    try:
        if len(raw) > MAX_BYTES["event"]:
            raise TooLarge("", "too_large", f"Larger than {MAX_BYTES['event']} bytes.")
        return Item(reading=decode_reading(raw))
    except FieldError as error:
        return Item(error=error)


def _prepare(item: Item, sensor: SensorSettings, zones: Sequence[Zone]) -> None:
    """Make the unsaved row, or settle the item: excluded, or not this sensor's to report."""
    if item.reading is None:
        return
    try:
        camera = camera_for(sensor, item.reading)
    except APIException as error:
        item.error = error
        return
    zone = zone_of(reading=item.reading, sensor=sensor, camera=camera, zones=zones, frame_size=None)
    if zone and zone.zone_type == ZoneType.EXCLUSION:
        item.outcome = Outcome.EXCLUDED
        return
    item.event = new_event(
        reading=item.reading,
        sensor=sensor,
        camera=camera,
        zone=zone,
        pictures={},
        received_at=timezone.now(),
    )


def _settle_repeats(items: list[Item], known: dict[UUID, PlateEvent]) -> list[Item]:
    """Settle what is stored already or comes twice in this batch; return what is new."""
    new = []
    for item in items:
        event = item.event
        if event is None:
            continue
        # Undo what an attempt that was rolled back has left in the objects.
        item.error, event.receipt.pk = None, None
        first = known.setdefault(event.event_id, event)
        if first is event:
            item.outcome, item.stored = Outcome.STORED, event
            new.append(item)
        elif bytes(first.receipt.content_sha256) == event.receipt.content_sha256:
            item.outcome, item.stored = Outcome.REPEATED, first
        else:
            item.error = ContentDiffers()
    return new


def _store(items: list[Item], sensor: SensorSettings) -> None:
    """Insert the new events in one transaction; IntegrityError when another request was first."""
    event_ids = [item.event.event_id for item in items if item.event]
    with transaction.atomic():
        known = PlateEvent.objects.of(
            list(EventReceipt.objects.filter(sensor=sensor, event_id__in=event_ids))
        )
        new = _settle_repeats(items, {event.event_id: event for event in known})
        insert_new_events([item.event for item in new if item.event])
        TpmsReading.objects.bulk_create(
            tyre_row(item.event, tyre)
            for item in new
            if item.event and item.reading
            for tyre in item.reading.tpms
        )


def record_batch(*, credential: Credential, raw_events: list[bytes]) -> list[dict[str, Any]]:
    """Store what is good, once each, and say of each event what became of it, in the order sent.

    Raises FieldError when the batch itself is wrong (empty, or more than 1,000 events).
    """
    if not 1 <= len(raw_events) <= MAX_EVENTS:
        raise FieldError("", "batch_size", f"Expected 1 to {MAX_EVENTS} events.")
    refuse_when_full()
    items = [_decode(raw) for raw in raw_events]
    sensor = credential.sensor
    for item in items:
        _prepare(item, sensor, credential.zones)
    try:
        _store(items, sensor)
    except IntegrityError:
        # The same events came through another connection between the look and the insert; they
        # are committed now, so that the second look finds them.
        _store(items, sensor)
    stored = [item.stored for item in items if item.outcome is Outcome.STORED and item.stored]
    if stored:
        newest = max(stored, key=lambda event: event.captured_at)
        sensor.note_life_sign(captured_at=newest.captured_at, received_at=newest.received_at)
    return [item.result() for item in items]
