"""API of cameras."""

from __future__ import annotations

from django.db.models import Prefetch

from anpr_project.lib.viewsets import ConfigViewSet
from cameras.filters import CameraFilterSet
from cameras.models import Camera
from cameras.serializers import CameraSerializer
from zones.models import Zone


class CameraViewSet(ConfigViewSet[Camera]):
    """Cameras: where they stand, which zones they see, how they are reached.

    The password in `rtsp_url` is shown as `***`. Sent back like that, with the same user, host and
    port, the stored password stays.
    """

    # Only the ids: a zone's geometry may have ten thousand points.
    queryset = Camera.objects.prefetch_related(Prefetch("zones", Zone.objects.only("id")))
    serializer_class = CameraSerializer
    filterset_class = CameraFilterSet
    search_fields = ["name", "address"]
    ordering_fields = ["id", "name", "address", "created_at", "updated_at"]
