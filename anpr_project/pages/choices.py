"""What the filters of the pages offer; to see the names needs no right on cameras and zones."""

from __future__ import annotations

from typing import Any

from cameras.models import Camera
from zones.models import Zone


def filter_choices() -> dict[str, Any]:
    return {
        "cameras": Camera.objects.order_by("name").values("id", "name"),
        # What is read in an exclusion zone is not kept.
        "zones": Zone.objects.exclude(zone_type="exclusion").order_by("name").values("id", "name"),
    }
