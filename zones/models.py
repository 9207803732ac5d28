"""Zones: named areas of a map or of a camera's image."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from anpr_project.lib.models import ConfigModel
from anpr_project.lib.text import PlainJSONField, PlainTextField
from zones.geometry import holds, size, validate_geometry


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


def smallest_holding(zones: Iterable[Zone], x: float, y: float) -> Zone | None:
    """Return the smallest of the zones that hold the point: the most exact answer."""
    holding = [zone for zone in zones if holds(zone.geometry, x, y)]
    return min(holding, key=lambda zone: (size(zone.geometry), zone.pk), default=None)
