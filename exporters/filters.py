"""Query filters of exporters and of their deliveries."""

from __future__ import annotations

import django_filters
from drf_spectacular.utils import extend_schema_field

from anpr_project.lib.filters import ConfigFilterSet, IdFilter, RefusingFilterSet, TextFilter
from exporters.models import Delivery, ExporterConfig, exporter_types


@extend_schema_field({"type": "string", "enum": [kind for kind, _ in exporter_types()]})
class TypeFilter(django_filters.ChoiceFilter):  # type: ignore[misc]  # it has no types
    pass


class ExporterFilterSet(ConfigFilterSet):
    name = TextFilter()
    exporter_type = TypeFilter(choices=exporter_types)

    class Meta(ConfigFilterSet.Meta):
        model = ExporterConfig
        fields = ["name", "exporter_type", "enabled"]


class DeliveryFilterSet(RefusingFilterSet):
    state = django_filters.ChoiceFilter(choices=Delivery.State.choices)
    event = IdFilter()

    class Meta(RefusingFilterSet.Meta):
        model = Delivery
        fields = ["state", "event"]
