"""Legal holds: what retention must not delete until an administrator lifts the hold."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from anpr_project.lib.text import PlainTextField
from cameras.models import Camera
from events.plates import WILDCARDS, normalize_pattern
from zones.models import Zone

LONGEST_PLATE = 64
NOTHING_NAMED = "Name a plate, a camera, a zone or a time: what is to be held?"


class LegalHoldQuerySet(models.QuerySet["LegalHold"]):
    def active(self) -> Self:
        return self.filter(lifted_at=None)

    def held(self) -> Q | None:
        """Return the condition of being under any active hold; None when there is none."""
        conditions = [hold.condition for hold in self.active()]
        return reduce(or_, conditions) if conditions else None


class LegalHold(models.Model):
    """Keeps the events that fit all that it names, with their pictures, also those still to come.

    It is never changed: another one is placed, and this one is lifted. So the past can be told.
    """

    name = PlainTextField(max_length=100, unique=True, help_text="such as a case number")
    reason = PlainTextField(max_length=500, help_text="why, and who asked for it")
    plate = models.CharField(
        max_length=LONGEST_PLATE, blank=True, default="", help_text="in any spelling, with * and ?"
    )
    camera = models.ForeignKey(
        Camera, models.DO_NOTHING, null=True, blank=True, related_name="holds"
    )
    zone = models.ForeignKey(Zone, models.DO_NOTHING, null=True, blank=True, related_name="holds")
    captured_after = models.DateTimeField(null=True, blank=True, help_text="inclusive")
    captured_before = models.DateTimeField(null=True, blank=True, help_text="exclusive")
    placed_at = models.DateTimeField(auto_now_add=True)
    placed_by = models.CharField(max_length=150, blank=True, editable=False)
    lifted_at = models.DateTimeField(null=True, editable=False)
    lifted_by = models.CharField(max_length=150, blank=True, default="", editable=False)

    objects = LegalHoldQuerySet.as_manager()

    criteria: ClassVar[tuple[str, ...]] = (
        *("plate", "camera", "zone", "captured_after", "captured_before"),
    )

    class Meta:
        ordering = ["-id"]
        # Neither changed nor deleted; to lift one is to change it.
        default_permissions = ("add", "change", "view")
        constraints = [
            models.CheckConstraint(
                condition=~Q(
                    plate="", camera=None, zone=None, captured_after=None, captured_before=None
                ),
                name="hold_names_something",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the plate as events have theirs."""
        self.plate = normalize_pattern(self.plate)
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Check what one field alone cannot know."""
        plate = normalize_pattern(self.plate)
        if self.plate and not plate.strip("*?"):
            raise ValidationError({"plate": "Without a letter or a digit it names nothing."})
        if len(plate) > LONGEST_PLATE:  # some signs become several
            raise ValidationError({"plate": "It is too long."})
        if not any(getattr(self, name) for name in self.criteria):
            raise ValidationError(NOTHING_NAMED, code="incomplete")
        after, before = self.captured_after, self.captured_before
        if after and before and after >= before:
            late = ValidationError("It must be later than the beginning.", code="out_of_range")
            raise ValidationError({"captured_before": late})

    def lift(self, by: str) -> bool:
        """Let retention delete again what no other hold keeps; False when it was lifted before."""
        active = LegalHold.objects.active().filter(pk=self.pk)
        was_active = active.update(lifted_at=timezone.now(), lifted_by=by) == 1
        self.refresh_from_db()
        return was_active

    def in_words(self) -> str:
        named = [(name, getattr(self, name)) for name in self.criteria]
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in named if value)

    @property
    def condition(self) -> Q:
        """Return what events fulfil that are under this hold."""
        asked: dict[str, Any] = {
            "camera": self.camera_id,
            "zone": self.zone_id,
            "captured_at__gte": self.captured_after,
            "captured_at__lt": self.captured_before,
        }
        if self.plate:
            is_pattern = not set(WILDCARDS).isdisjoint(self.plate)
            asked["plate_normalized__wildcard" if is_pattern else "plate_normalized"] = self.plate
        return Q(**{name: value for name, value in asked.items() if value is not None})
