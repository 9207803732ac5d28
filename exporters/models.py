"""What is delivered where, what became of it, and who is at work delivering it."""

from __future__ import annotations

from array import array
from datetime import datetime, timedelta
from typing import Self

from django.db import connection, models
from django.db.models import Q
from django.utils import timezone

from anpr_project.lib.encryption import EncryptedTextField
from anpr_project.lib.models import ConfigModel
from anpr_project.lib.text import PlainJSONField, PlainTextField
from events.models import PlateEvent

# A worker that was silent this long does not come back under its name.
FORGOTTEN_AFTER = timedelta(days=1)


def exporter_types() -> list[tuple[str, str]]:
    """A callable, so that a new transport needs no migration; Django asks when choices are shown."""
    from exporters.transports.known import TRANSPORTS  # late: it loads the clients of all brokers

    return [(kind, kind) for kind in TRANSPORTS]


class ExporterConfig(ConfigModel):
    """A sink that gets every matching event at least once."""

    name = PlainTextField(max_length=100, unique=True)
    exporter_type = models.CharField(max_length=16, choices=exporter_types)
    # What may stand in it the transport's types say; a certificate has lines.
    config = models.JSONField(default=dict)
    # JSON text of the typed credentials.
    auth = EncryptedTextField(default='{"type": "none"}')
    retry = PlainJSONField(default=dict, blank=True)
    filters = PlainJSONField(default=dict, blank=True)
    ordered = models.BooleanField(
        default=False, help_text="keep the order of each camera: one message a camera at a time"
    )
    enabled = models.BooleanField(default=True)
    # State, written by the workers only.
    last_success_at = models.DateTimeField(null=True, editable=False)
    last_error_at = models.DateTimeField(null=True, editable=False)
    last_error = models.CharField(max_length=500, blank=True, default="", editable=False)
    paused_until = models.DateTimeField(null=True, editable=False)
    failures = models.PositiveIntegerField(
        default=0, editable=False, help_text="times in a row that the sink was out of reach"
    )
    # See giving_up.py.
    failing_since = models.DateTimeField(null=True, editable=False)
    failing_steadily = models.BooleanField(default=False, db_default=False, editable=False)
    disabled_reason = models.CharField(
        max_length=500,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="why the worker disabled it; empty when a person did",
    )

    class Meta:
        ordering = ["id"]
        verbose_name = "exporter"

    def __str__(self) -> str:
        return self.name


# Goes from camera to camera through their index.
FIRST_OF_EACH_CAMERA = """
    WITH RECURSIVE first (id, camera) AS (
        SELECT * FROM (
            SELECT id, camera FROM exporters_delivery
            WHERE exporter_id = %s AND state = 'pending' ORDER BY camera, id LIMIT 1) AS lowest
        UNION ALL
        SELECT found.id, found.camera FROM first JOIN exporters_delivery AS found ON found.id = (
            SELECT id FROM exporters_delivery
            WHERE exporter_id = %s AND state = 'pending' AND camera > first.camera
            ORDER BY camera, id LIMIT 1))
    SELECT id FROM first
"""


def first_of_each_camera(exporter: ExporterConfig) -> array[int]:
    """Return the oldest pending delivery of each camera, by a statement of its own.

    To ask of each delivery that is due whether an earlier one is pending took 2.4 s with 200,000 of
    them, for each claim; and a planner that believes in few reads all of them in either case.
    """
    with connection.cursor() as cursor:
        cursor.execute(FIRST_OF_EACH_CAMERA, [exporter.pk, exporter.pk])
        return array("q", [pk for (pk,) in cursor])


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def due(self, exporter: ExporterConfig, now: datetime) -> Self:
        """What may be sent now, the longest waiting first.

        Asks for the exporter's state anew: another thread or worker may just have written down that
        the sink is gone or wants to be left alone.
        """
        rows = self.filter(
            Q(exporter__paused_until=None) | Q(exporter__paused_until__lte=now),
            Q(leased_until=None) | Q(leased_until__lte=now),
            exporter=exporter,
            exporter__enabled=True,
            state=Delivery.State.PENDING,
        )
        if exporter.ordered:
            rows = rows.filter(pk__among=first_of_each_camera(exporter))
        return rows.filter(next_attempt_at__lte=now).order_by("next_attempt_at", "id")

    def never_failed(self) -> Self:
        """The newest first: what failed before may be what the sink chokes on."""
        return self.filter(last_error="").order_by("-id")

    def again(self, now: datetime) -> int:
        """Send these once more, whatever became of them; return how many."""
        return self.update(
            state=Delivery.State.PENDING,
            attempts=0,
            next_attempt_at=now,
            leased_until=None,
            created_at=now,
            last_error="",
        )


class Delivery(models.Model):
    """One event on its way to one sink: the outbox row, its lease and its ledger.

    While a worker sends it, `leased_until` lies in the future. When the worker dies, the lease runs
    out and the row is due again. No index has that column: taking a lease changes no index.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        DEAD = "dead"

    exporter = models.ForeignKey(ExporterConfig, on_delete=models.CASCADE, db_index=False)
    # No constraint: nothing can refer to an id of a partitioned table. Retention deletes both.
    event = models.ForeignKey(
        PlateEvent,
        on_delete=models.CASCADE,
        related_name="deliveries",
        db_index=False,
        db_constraint=False,
    )
    camera = models.BigIntegerField(default=0, help_text="of the event; 0 without")
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    leased_until = models.DateTimeField(null=True, editable=False)
    delivered_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True, default="")

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "deliveries"
        permissions = [("redeliver", "Can send deliveries again")]
        constraints = [
            # Also serves an event's `exports`.
            models.UniqueConstraint(
                fields=["event", "exporter"], name="event_goes_to_exporter_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "delivered", "dead"]),
                name="delivery_state_is_known",
            ),
        ]
        indexes = [
            # What is due, for the worker; empty but for the backlog.
            models.Index(
                fields=["exporter", "next_attempt_at", "id"],
                condition=Q(state="pending"),
                name="delivery_due",
            ),
            # The first of each camera, for exporters that keep the order.
            models.Index(
                fields=["exporter", "camera", "id"],
                condition=Q(state="pending"),
                name="delivery_in_order",
            ),
            # GET /exporters/{id}/deliveries?state=, newest first; counts of the dead.
            models.Index(fields=["exporter", "state", "-id"], name="delivery_by_state"),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"


class DeliveryAttempt(models.Model):
    """One try to deliver, kept for the operator."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries")
    started_at = models.DateTimeField()
    duration_ms = models.FloatField()
    succeeded = models.BooleanField()
    code = models.IntegerField(null=True, help_text="HTTP status, MQTT reason code or Kafka error")
    error = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"attempt {self.pk}"


class WorkerHeartbeat(models.Model):
    """The last sign of life of one worker, kept in the database so that every process can see it."""

    name = models.CharField(max_length=100, unique=True)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()

    class Meta:
        verbose_name = "worker heartbeat"

    def __str__(self) -> str:
        return self.name

    @classmethod
    def beat(cls, *, name: str, pid: int) -> None:
        """Say that worker `name` lives; another process under the name counts as a new start."""
        now = timezone.now()
        if cls.objects.filter(name=name, pid=pid).update(beat_at=now):
            return
        # Names hold the process id: without this every restart would leave a row behind.
        cls.objects.filter(beat_at__lt=now - FORGOTTEN_AFTER).delete()
        values = {"pid": pid, "started_at": now, "beat_at": now}
        cls.objects.update_or_create(name=name, defaults=values)
