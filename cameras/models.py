"""Cameras and the zones that they see."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from anpr_project.lib.encryption import EncryptedTextField
from anpr_project.lib.models import ConfigModel
from anpr_project.lib.text import PlainTextField, validate_plain_text
from cameras.rtsp import masked, validate_rtsp_url
from zones.models import Zone


class Camera(ConfigModel):
    """A camera: where it stands, what it sees, how it is reached."""

    name = PlainTextField(max_length=100, unique=True)
    rtsp_url = EncryptedTextField(
        "RTSP URL",
        blank=True,
        default="",
        max_length=500,
        validators=[validate_plain_text, validate_rtsp_url],
        help_text="may hold user and password; the password is encrypted and never shown again",
    )
    fps = models.FloatField(
        "frames per second",
        null=True,
        blank=True,
        validators=[MinValueValidator(0.01), MaxValueValidator(1000)],
    )
    width = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(65535)],
        help_text="pixels",
    )
    height = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(65535)],
        help_text="pixels",
    )
    latitude = models.FloatField(
        null=True, blank=True, validators=[MinValueValidator(-90), MaxValueValidator(90)]
    )
    longitude = models.FloatField(
        null=True, blank=True, validators=[MinValueValidator(-180), MaxValueValidator(180)]
    )
    heading = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(360)],
        help_text="degrees clockwise from north",
    )
    address = PlainTextField(max_length=200, blank=True, default="")
    zones = models.ManyToManyField(Zone, through="CameraZone", related_name="cameras", blank=True)
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(latitude=None, longitude=None)
                | Q(latitude__range=(-90, 90), longitude__range=(-180, 180)),
                name="camera_place_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def shown_rtsp_url(self) -> str:
        return masked(self.rtsp_url)

    def clean(self) -> None:
        if (self.latitude is None) != (self.longitude is None):
            missing = "latitude" if self.latitude is None else "longitude"
            raise ValidationError(
                {missing: ValidationError("Latitude and longitude go together.", code="required")}
            )


class CameraZone(models.Model):
    """That a camera sees a zone; a zone in use cannot be deleted."""

    camera = models.ForeignKey(Camera, on_delete=models.CASCADE)
    zone = models.ForeignKey(Zone, on_delete=models.DO_NOTHING)

    class Meta:
        verbose_name_plural = "cameras"
        constraints = [
            models.UniqueConstraint(fields=["camera", "zone"], name="camera_sees_zone_once")
        ]

    def __str__(self) -> str:
        return f"{self.camera} sees {self.zone}"
