"""Query filters of the cameras' list."""

from __future__ import annotations

from anpr_project.lib.filters import ConfigFilterSet, IdFilter, TextFilter
from cameras.models import Camera


class CameraFilterSet(ConfigFilterSet):
    name = TextFilter()
    zone = IdFilter(field_name="zones")

    class Meta(ConfigFilterSet.Meta):
        model = Camera
        fields = ["name", "zone", "enabled"]
