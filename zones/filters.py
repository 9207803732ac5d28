"""Query filters of the zones' list."""

from __future__ import annotations

from django_filters import ChoiceFilter

from anpr_project.lib.filters import ConfigFilterSet, TextFilter
from zones.models import Space, Zone, ZoneType


class ZoneFilterSet(ConfigFilterSet):
    name = TextFilter()
    zone_type = ChoiceFilter(choices=ZoneType.choices)
    space = ChoiceFilter(choices=Space.choices)

    class Meta(ConfigFilterSet.Meta):
        model = Zone
        fields = ["name", "zone_type", "space", "enabled"]
