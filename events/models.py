"""Plate events, and the receipt of each: outbox, stream log and guard against doubles in one."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Max, Min, Q
from django.utils.functional import cached_property

from anpr_project.lib import among  # noqa: F401 - registers `among`
from cameras.models import Camera
from events.holds.models import LegalHold as LegalHold
from events.plate_counts import DayPlate as DayPlate
from events.plate_counts import MonthPlate as MonthPlate
from events.stream_head import StreamHead as StreamHead
from sensors.models import SensorSettings
from zones.models import Zone

# In place of a digest: the event was erased, and must not come back when its sensor sends it again.
ERASED = b""


class EventReceiptQuerySet(models.QuerySet["EventReceipt"]):
    def waiting(self) -> Self:
        """Committed, but not yet visible to streams, statistics and exporters; oldest first."""
        return self.filter(position=None).order_by("id")


class EventReceipt(models.Model):
    """What must be found of an event whatever its month: a narrow row beside the wide one.

    Events are partitioned by month, and a key of theirs must hold the time. So it is here that a
    sensor's event_id is unique, that an id leads to a month, and that the dispatcher sets the
    position: the event itself is written once and never changed.
    """

    sensor = models.ForeignKey(
        SensorSettings, on_delete=models.DO_NOTHING, related_name="+", db_index=False
    )
    event_id = models.UUIDField()
    content_sha256 = models.BinaryField(
        max_length=32, help_text="of the reading and its pictures: tells a repeat from a conflict"
    )
    captured_at = models.DateTimeField(help_text="of the event: where it lies")
    position = models.BigIntegerField(
        null=True, help_text="place in commit order; set once by the dispatcher"
    )

    objects = EventReceiptQuerySet.as_manager()

    class Meta:
        # Not a thing that anybody handles.
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["sensor", "event_id"], name="event_is_stored_once"),
            # Also serves the stream: what comes after a position.
            models.UniqueConstraint(
                fields=["position"], condition=~Q(position=None), name="position_is_unique"
            ),
        ]
        indexes = [
            # The outbox: what the dispatcher has to do next. Empty but for the last milliseconds.
            models.Index(fields=["id"], condition=Q(position=None), name="event_without_position"),
            # Those of erased events, for retention.
            models.Index(
                fields=["captured_at"], condition=Q(content_sha256=ERASED), name="receipt_of_erased"
            ),
        ]

    def __str__(self) -> str:
        return f"receipt {self.pk}"

    @property
    def is_of_erased(self) -> bool:
        return bytes(self.content_sha256) == ERASED


class PlateEventQuerySet(models.QuerySet["PlateEvent"]):
    def with_parts(self) -> Self:
        """Load with each event what its representation shows.

        Without what it does not, and costs: an RTSP address is decrypted, the others are JSON.
        """
        parts = self.select_related("sensor", "camera", "zone").prefetch_related("tyres")
        return parts.defer("camera__rtsp_url", "zone__geometry", "sensor__settings")

    def by_id(self, pk: int) -> Self:
        """Narrow to one event, looked for in its month alone."""
        found = EventReceipt.objects.filter(pk=pk).values_list("captured_at", flat=True).first()
        return self.filter(pk=pk, captured_at=found)

    def by_ids(self, pks: Sequence[int]) -> Self:
        """Narrow to these events, looked for in the months in which they lie."""
        found = EventReceipt.objects.filter(pk__among=pks)
        span = found.aggregate(first=Min("captured_at"), last=Max("captured_at"))
        return self.lying(pks, span["first"], span["last"])

    def not_held(self) -> Self:
        """Leave out what a legal hold keeps."""
        held = LegalHold.objects.held()
        return self if held is None else self.exclude(held)

    def lying(self, ids: Sequence[int], earliest: datetime, latest: datetime) -> Self:
        """Narrow to these, looked for in the months between two times alone."""
        return self.filter(pk__among=ids, captured_at__range=(earliest, latest))

    def of(self, receipts: Sequence[EventReceipt]) -> list[PlateEvent]:
        """Load the events of these receipts, in their order, from the months in which they lie."""
        if not receipts:
            return []
        times: list[datetime] = [receipt.captured_at for receipt in receipts]
        rows = self.lying([receipt.pk for receipt in receipts], min(times), max(times))
        events = {event.pk: event for event in rows.order_by()}
        found = [receipt for receipt in receipts if receipt.pk in events]
        for receipt in found:
            events[receipt.pk].receipt = receipt
        return [events[receipt.pk] for receipt in found]


class PlateEvent(models.Model):
    """One plate seen by one sensor; never changed after ingest, but that retention takes its pictures.

    On PostgreSQL a table partitioned by months of `captured_at` (see partitions.py), whose key is
    (id, captured_at). The id is its receipt's.
    """

    event_id = models.UUIDField(default=uuid.uuid4)
    # The receipt refers to the sensor for both: there the database finds a sensor's events.
    sensor = models.ForeignKey(
        SensorSettings,
        on_delete=models.DO_NOTHING,
        related_name="events",
        db_index=False,
        db_constraint=False,
    )
    camera = models.ForeignKey(
        Camera, on_delete=models.DO_NOTHING, null=True, related_name="events", db_index=False
    )
    zone = models.ForeignKey(
        Zone, on_delete=models.DO_NOTHING, null=True, related_name="events", db_index=False
    )
    plate = models.CharField(max_length=32, help_text="as the sensor sent it")
    plate_normalized = models.CharField(max_length=32)
    confidence = models.FloatField()
    region = models.CharField(max_length=16, blank=True, default="")
    captured_at = models.DateTimeField(help_text="by the sensor's clock")
    received_at = models.DateTimeField(help_text="by our clock")
    vehicle_type = models.CharField(max_length=64, blank=True, default="")
    vehicle_make = models.CharField(max_length=64, blank=True, default="")
    vehicle_color = models.CharField(max_length=64, blank=True, default="")
    # What no filter asks for: candidates, bbox, sequence, location, the rest of the vehicle.
    details = models.JSONField(default=dict)
    # Relative to UPLOAD_DIR, empty without picture; the files are never changed. The digest stays when
    # retention took the picture.
    frame = models.CharField(max_length=100, blank=True, default="")
    frame_sha256 = models.CharField(max_length=64, blank=True, default="")
    crop = models.CharField(max_length=100, blank=True, default="")
    crop_sha256 = models.CharField(max_length=64, blank=True, default="")

    objects = PlateEventQuerySet.as_manager()

    class Meta:
        ordering = ["-captured_at", "-id"]
        permissions = [
            ("view_original", "Can see the original bytes of pictures"),
            ("erase_plate", "Can erase everything about a plate"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(confidence__gte=0, confidence__lte=1), name="confidence_is_a_ratio"
            ),
        ]
        indexes = [
            # GET /events, newest first, and time ranges.
            models.Index(fields=["-captured_at", "-id"], name="event_by_time"),
            # ?camera=, newest first.
            models.Index(fields=["camera", "-captured_at", "-id"], name="event_by_camera"),
            # ?zone=, newest first.
            models.Index(fields=["zone", "-captured_at", "-id"], name="event_by_zone"),
            # ?plate=, exact and by prefix whatever the database's locale; look-alikes end here too.
            models.Index(
                fields=["plate_normalized", "-captured_at", "-id"],
                opclasses=["text_pattern_ops", "timestamptz_ops", "int8_ops"],
                name="event_by_plate",
            ),
            # ?received_after=, retention's sweep of pictures.
            models.Index(fields=["received_at"], name="event_by_arrival"),
        ]

    def __str__(self) -> str:
        return f"event {self.pk}"

    @cached_property
    def receipt(self) -> EventReceipt:
        return EventReceipt.objects.get(pk=self.pk)

    @property
    def position(self) -> int | None:
        return self.receipt.position


class TpmsReading(models.Model):
    """A tyre-pressure message that was heard when the plate was seen."""

    # No constraint: nothing can refer to an id of a partitioned table. Retention deletes both.
    event = models.ForeignKey(
        PlateEvent, on_delete=models.CASCADE, related_name="tyres", db_constraint=False
    )
    captured_at = models.DateTimeField(help_text="of the event: where it lies")
    tyre_id = models.CharField(max_length=16, help_text="unsigned, lower-case hex")
    model = models.CharField(max_length=64, blank=True, default="")
    pressure_kpa = models.FloatField(null=True)
    temperature_c = models.FloatField(null=True)
    battery_ok = models.BooleanField(null=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            # ?tpms_id=: a vehicle by its tyres.
            models.Index(fields=["tyre_id", "captured_at", "event"], name="tyre_by_id"),
        ]

    def __str__(self) -> str:
        return f"tyre {self.tyre_id}"


class KnownPlate(models.Model):
    """A distinct plate, for look-alike and near-miss search; kept by the dispatcher."""

    plate = models.CharField(max_length=32, primary_key=True)
    key = models.CharField(max_length=32, help_text="look-alike characters folded")
    key_reversed = models.CharField(max_length=32)

    class Meta:
        indexes = [
            # Look-alikes (equal key), and near misses that share the beginning. With the plates in
            # them: those of a frequent beginning lie in as many places of the table.
            models.Index(
                fields=["key"],
                include=["plate"],
                opclasses=["text_pattern_ops"],
                name="plate_by_key",
            ),
            # Near misses that share the end.
            models.Index(
                fields=["key_reversed"],
                include=["plate"],
                opclasses=["text_pattern_ops"],
                name="plate_by_tail",
            ),
        ]

    def __str__(self) -> str:
        return "known plate"


class Rollup(models.Model):
    """Counts of one hour, day or month: in all, by one property, or by each combination of them.

    Kept exact by the dispatcher. No foreign keys: 0 stands for "none", so that the key has no nulls
    and stays unique; what a kind does not tell apart is 0 or empty too.
    """

    class Span(models.TextChoices):
        HOUR = "hour"
        DAY = "day"
        MONTH = "month"

    class Kind(models.TextChoices):
        ALL = "all"
        CAMERA = "camera"
        ZONE = "zone"
        VEHICLE_TYPE = "vehicle_type"
        COMBINATION = "combination"

    span = models.CharField(max_length=5, choices=Span)
    kind = models.CharField(max_length=12, choices=Kind)
    starts_at = models.DateTimeField(help_text="UTC, by capture time")
    camera = models.BigIntegerField(default=0)
    zone = models.BigIntegerField(default=0)
    vehicle_type = models.CharField(max_length=64, blank=True, default="")
    events = models.BigIntegerField(default=0)
    confidence_sum = models.FloatField(default=0)
    plates = models.BinaryField(default=bytes, help_text="HyperLogLog sketch of the plates")

    class Meta:
        constraints = [
            # Also serves the statistics: a range of hours or days of one kind.
            models.UniqueConstraint(
                fields=["span", "kind", "starts_at", "camera", "zone", "vehicle_type"],
                name="rollup_is_unique",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.span} {self.starts_at:%Y-%m-%d %H:%M} {self.kind}"
