"""Query filters of the sensors' list."""

from __future__ import annotations

from anpr_project.lib.filters import ConfigFilterSet, IdFilter, TextFilter
from sensors.models import SensorSettings


class SensorFilterSet(ConfigFilterSet):
    name = TextFilter()
    serial_number = TextFilter()
    camera = IdFilter()
    zone = IdFilter()
    model = IdFilter(field_name="models")

    class Meta(ConfigFilterSet.Meta):
        model = SensorSettings
        fields = ["name", "serial_number", "camera", "zone", "model", "enabled"]
