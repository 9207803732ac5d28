"""How long events and pictures are kept: by zone, else as the installation says."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from zones.models import Zone


@dataclass(frozen=True)
class Policy:
    """What holds for the events of some zones (None: of no zone)."""

    zones: tuple[int | None, ...]
    event_days: int
    picture_days: int

    @property
    def events_before(self) -> datetime:
        return timezone.now() - timedelta(days=self.event_days)

    @property
    def pictures_before(self) -> datetime:
        return timezone.now() - timedelta(days=self.picture_days)

    @property
    def keeps_text_longer(self) -> bool:
        return self.picture_days < self.event_days

    @property
    def its_events(self) -> Q:
        of_zones = Q(zone__in=[zone for zone in self.zones if zone is not None])
        return of_zones | Q(zone=None) if None in self.zones else of_zones


def policies(usual_days: int | None = None) -> list[Policy]:
    """Return the policies in force, each zone in one; `usual_days` instead of RETENTION_DAYS."""
    usual = settings.RETENTION_DAYS if usual_days is None else usual_days
    found: dict[tuple[int, int], list[int | None]] = defaultdict(list)
    found[usual, min(usual, settings.PICTURE_RETENTION_DAYS)].append(None)
    own = Zone.objects.values_list("id", "retention_days", "picture_retention_days")
    for zone, event_days, picture_days in own.order_by("id"):
        events = usual if event_days is None else event_days
        pictures = settings.PICTURE_RETENTION_DAYS if picture_days is None else picture_days
        found[events, min(events, pictures)].append(zone)
    return [Policy(tuple(zones), *days) for days, zones in found.items()]
