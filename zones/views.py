"""API of zones."""

from __future__ import annotations

from anpr_project.lib.viewsets import ConfigViewSet
from zones.filters import ZoneFilterSet
from zones.models import Zone
from zones.serializers import ZoneSerializer


class ZoneViewSet(ConfigViewSet[Zone]):
    """Areas of a map or of a camera's image in which plates are detected, ignored or parked."""

    queryset = Zone.objects.all()
    serializer_class = ZoneSerializer
    filterset_class = ZoneFilterSet
    search_fields = ["name"]
    ordering_fields = ["id", "name", "zone_type", "space", "capacity", "created_at", "updated_at"]
