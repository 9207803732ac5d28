"""Zones: named areas of a map or of a camera's image."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from anpr_project.lib.models import ConfigModel
from anpr_project.lib.text import PlainJSONField, PlainTextField
from zones.geometry import validate_geometry

DAYS = [MinValueValidator(1), MaxValueValidator(36500)]


class ZoneType(models.TextChoices):
    DETECTION = "detection"
    EXCLUSION = "exclusion"
    PARKING = "parking"


class Space(models.TextChoices):
    MAP = "map", "map (WGS 84)"
    IMAGE = "image", "image (0 to 1, origin top left)"


class Zone(ConfigModel):
    """An area in which plates are detected, ignored (exclusion) or parked."""

    name = PlainTextField(max_length=100, unique=True)
    zone_type = models.CharField(max_length=16, choices=ZoneType)
    space = models.CharField(max_length=8, choices=Space)
    geometry = PlainJSONField(help_text="GeoJSON Polygon or MultiPolygon, closed and valid")
    capacity = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="spaces, parking only"
    )
    retention_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=DAYS,
        help_text="days that its events are kept; empty: as long as everywhere",
    )
    picture_retention_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=DAYS,
        help_text="days that their pictures are kept; empty: as long as everywhere",
    )
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(zone_type__in=ZoneType.values), name="zone_type_is_known"
            ),
            models.CheckConstraint(condition=Q(space__in=Space.values), name="zone_space_is_known"),
            models.CheckConstraint(
                condition=Q(capacity=None) | Q(zone_type="parking"), name="capacity_is_for_parking"
            ),
            models.CheckConstraint(
                condition=Q(retention_days=None)
                | Q(picture_retention_days=None)
                | Q(picture_retention_days__lte=F("retention_days")),
                name="pictures_go_with_their_events",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Check what one field alone cannot know; the API and the admin both call it."""
        if self.space in Space.values:
            try:
                validate_geometry(self.geometry, self.space)
            except ValidationError as error:
                raise ValidationError({"geometry": error}) from None
        if self.capacity is not None and self.zone_type != ZoneType.PARKING:
            raise ValidationError(
                {
                    "capacity": ValidationError(
                        "Only a parking zone has a capacity.", code="capacity"
                    )
                }
            )
        if (self.picture_retention_days or 0) > (self.retention_days or inf):
            raise ValidationError(
                {"picture_retention_days": "Pictures cannot be kept longer than their events."}
            )


def smallest_holding(zones: Iterable[Zone], x: float, y: float) -> Zone | None:
    """Return the smallest of the zones that hold the point: the most exact answer."""
    candidates = list(zones)
    if not candidates:
        return None
    from zones.areas import holds, size  # late: only where there are zones

    holding = [zone for zone in candidates if holds(zone.geometry, x, y)]
    return min(holding, key=lambda zone: (size(zone.geometry), zone.pk), default=None)
