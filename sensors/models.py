"""Edge sensors: their settings and their keys."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from anpr_project.lib.models import ConfigModel, ConfigQuerySet
from anpr_project.lib.text import PlainJSONField, PlainTextField
from cameras.models import Camera
from models_cfg.models import ModelConfig
from sensors.keys import digest, make_key, split_key
from zones.models import Zone

# A busy sensor would rewrite its row with each event; so its life signs are kept to this grain.
SEEN_GRAIN = timedelta(seconds=10)
# Beyond these a sensor's clock is wrong, or its events arrive late.
MOST_AHEAD_S, MOST_LATE_S = 5, 60
MAX_ID_DIGITS = 11  # one less than a key's public id has


def _number(text: str) -> int | None:
    """Return the row number that `text` is; a public id of twelve digits is none."""
    fits = text.isascii() and text.isdigit() and len(text) <= MAX_ID_DIGITS
    return int(text) if fits else None


class SensorQuerySet(ConfigQuerySet["SensorSettings"]):
    def off_in_time(self) -> Self:
        """Those in use whose events do not arrive when they say that they were captured."""
        wrong = Q(clock_offset_s__lt=-MOST_AHEAD_S) | Q(clock_offset_s__gt=MOST_LATE_S)
        return self.filter(wrong, enabled=True)


SensorManager = models.Manager.from_queryset(SensorQuerySet)


class SensorSettings(ConfigModel):
    """An edge device that reads plates for one camera and pushes them here."""

    name = PlainTextField(max_length=100, unique=True)
    serial_number = PlainTextField(max_length=100, blank=True, default="", db_index=True)
    camera = models.ForeignKey(
        Camera, on_delete=models.DO_NOTHING, null=True, blank=True, related_name="sensors"
    )
    zone = models.ForeignKey(
        Zone,
        on_delete=models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="sensors",
        help_text="if set, every event of this sensor belongs to it",
    )
    settings = PlainJSONField(default=dict, blank=True)
    enabled = models.BooleanField(default=True)
    last_seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    clock_offset_s = models.FloatField(
        "clock offset",
        null=True,
        blank=True,
        editable=False,
        help_text="seconds by which the newest event arrived after its capture",
    )
    # Last, for it hides the module's name from the lines below it.
    models = models.ManyToManyField(
        ModelConfig, through="SensorModel", related_name="sensors", blank=True
    )

    objects = SensorManager()  # type: ignore[misc]  # the plugin takes the base's for a ClassVar

    class Meta:
        ordering = ["id"]
        verbose_name = "sensor"
        verbose_name_plural = "sensors"

    def __str__(self) -> str:
        return self.name

    @property
    def is_off_in_time(self) -> bool:
        offset = self.clock_offset_s
        return offset is not None and not -MOST_AHEAD_S <= offset <= MOST_LATE_S

    @property
    def shown_offset(self) -> str:
        """Say by how much its events arrive after (+) or before (-) they were captured."""
        offset = self.clock_offset_s
        if offset is None:
            return ""
        return f"{offset:+.1f} s" if abs(offset) < 120 else f"{offset / 60:+,.0f} min"

    @classmethod
    def named(cls, text: str) -> SensorSettings | None:
        """Return the sensor with this name, else the one with this number."""
        rows = SensorSettings.objects.filter(Q(name=text) | Q(pk=_number(text)))
        return max(rows, key=lambda sensor: sensor.name == text, default=None)

    def note_life_sign(self, *, captured_at: datetime, received_at: datetime) -> None:
        """Remember when the sensor was heard and how far its clock is off, at most every 10 s."""
        if self.last_seen_at is not None and received_at - self.last_seen_at < SEEN_GRAIN:
            return
        quiet = Q(last_seen_at=None) | Q(last_seen_at__lt=received_at - SEEN_GRAIN)
        SensorSettings.objects.filter(quiet, pk=self.pk).update(
            last_seen_at=received_at,
            clock_offset_s=(received_at - captured_at).total_seconds(),
        )
        self.last_seen_at = received_at


class SensorModel(models.Model):
    """That a sensor runs a model; a model in use cannot be deleted."""

    sensor = models.ForeignKey(SensorSettings, on_delete=models.CASCADE)
    model = models.ForeignKey(ModelConfig, on_delete=models.DO_NOTHING)

    class Meta:
        verbose_name_plural = "sensors"
        constraints = [
            models.UniqueConstraint(fields=["sensor", "model"], name="sensor_runs_model_once")
        ]

    def __str__(self) -> str:
        return f"{self.sensor} runs {self.model}"


class SensorKeyQuerySet(models.QuerySet["SensorKey"]):
    def live(self) -> Self:
        return self.filter(revoked_at=None)

    def named(self, text: str) -> SensorKey | None:
        """Return the key whose public id or number is `text`."""
        number = _number(text)
        wanted = Q(key_id=text.replace("\x00", "")) | Q(pk=number)
        return self.filter(wanted).first()

    def matching(self, text: str) -> SensorKey | None:
        """Return the live key that `text` is, with its sensor and the sensor's camera and zone."""
        parts = split_key(text)
        if parts is None:
            return None
        key_id, secret = parts
        key = (
            self.live()
            .select_related("sensor__camera", "sensor__zone")
            .filter(key_id=key_id)
            .first()
        )
        if key is None or not hmac.compare_digest(key.digest, digest(secret)):
            return None
        return key


class SensorKey(models.Model):
    """A credential of one sensor; several may live at once, so that they can be rotated."""

    sensor = models.ForeignKey(SensorSettings, on_delete=models.CASCADE, related_name="keys")
    key_id = models.CharField(max_length=16, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    label = PlainTextField(max_length=100, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = SensorKeyQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name = "key"

    def __str__(self) -> str:
        return f"{self.key_id} of {self.sensor}"

    @classmethod
    def create_for(cls, sensor: SensorSettings, label: str = "") -> tuple[SensorKey, str]:
        """Make a key; the returned text is the only copy of its secret."""
        new = make_key()
        key = cls.objects.create(sensor=sensor, key_id=new.key_id, digest=new.digest, label=label)
        return key, new.text

    def revoke(self) -> None:
        SensorKey.objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=timezone.now())

    def note_use(self) -> None:
        """Remember the use, at most once a minute."""
        now = timezone.now()
        if self.last_used_at is None or now - self.last_used_at > timedelta(minutes=1):
            SensorKey.objects.filter(pk=self.pk).update(last_used_at=now)
            self.last_used_at = now
