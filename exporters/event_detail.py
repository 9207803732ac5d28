"""One event with what became of it at each exporter."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view

from events.browse import EventDetailView
from events.models import PlateEvent
from exporters import documentation
from exporters.state import exports_of


@extend_schema_view(get=extend_schema(**documentation.EVENT_DETAIL))
class ExportedEventDetailView(EventDetailView):
    """Stands in for the events' own view, which knows no exporters."""

    def exports(self, event: PlateEvent) -> tuple[Any, ...]:
        return exports_of(event)
