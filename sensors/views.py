"""API of sensors and of their keys."""

from __future__ import annotations

from django.db.models import Prefetch
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from anpr_project.lib.auditing import identity, write_down
from anpr_project.lib.permissions import ModelPermissions
from anpr_project.lib.viewsets import ConfigPagination, ConfigViewSet
from audit.models import Action
from models_cfg.models import ModelConfig
from sensors.filters import SensorFilterSet
from sensors.models import SensorKey, SensorSettings
from sensors.serializers import NewSensorKeySerializer, SensorKeySerializer, SensorSerializer


class KeyPermissions(ModelPermissions):
    """Whoever may change a sensor may see, make and revoke its keys; nobody else."""

    perms_map = {
        method: ["%(app_label)s.change_%(model_name)s"]
        for method in ("GET", "HEAD", "OPTIONS", "POST", "DELETE")
    }


class SensorViewSet(ConfigViewSet[SensorSettings]):
    """Edge devices that read plates and push them here, each with keys of its own."""

    # Only the ids: parameters may be long.
    queryset = SensorSettings.objects.prefetch_related(
        Prefetch("models", ModelConfig.objects.only("id"))
    )
    serializer_class = SensorSerializer
    filterset_class = SensorFilterSet
    search_fields = ["name", "serial_number"]
    ordering_fields = [
        "id",
        "name",
        "serial_number",
        "last_seen_at",
        "clock_offset_s",
        "created_at",
        "updated_at",
    ]

    @extend_schema(summary="Keys of the sensor", responses=SensorKeySerializer(many=True))
    @action(detail=True, url_path="keys", permission_classes=[KeyPermissions], filter_backends=[])
    def keys(self, request: Request, pk: int) -> Response:
        """All keys, live and revoked, oldest first; never a secret."""
        pages = ConfigPagination()
        page = pages.paginate_queryset(self.get_object().keys.all(), request, view=self)
        return pages.get_paginated_response(SensorKeySerializer(page, many=True).data)

    @extend_schema(
        summary="Make a key",
        request=NewSensorKeySerializer,
        responses={201: NewSensorKeySerializer},
    )
    @keys.mapping.post
    def make_key(self, request: Request, pk: int) -> Response:
        """Make a key for the sensor. The answer is the only place where its secret is shown.

        A sensor may have several live keys: make the new one, give it to the device, revoke the
        old one.
        """
        sensor = self.get_object()
        wanted = NewSensorKeySerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        key, text = SensorKey.create_for(sensor, wanted.validated_data.get("label", ""))
        write_down(request, Action.CREATED, identity(key) | {"sensor": sensor.pk})
        answer = NewSensorKeySerializer(key, context={"text": text})
        return Response(answer.data, status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})

    @extend_schema(summary="Revoke a key", request=None, responses={204: None})
    @action(
        detail=True,
        methods=["delete"],
        url_path="keys/<str:key>",
        permission_classes=[KeyPermissions],
        filter_backends=[],
    )
    def revoke_key(self, request: Request, pk: int, key: str) -> Response:
        """Revoke a key, named by its `key_id` or by its numeric `id`; it stays listed.

        Revoking it again changes nothing.
        """
        found = self.get_object().keys.named(key)
        if found is None:
            raise NotFound
        found.revoke()
        write_down(request, Action.DELETED, identity(found) | {"sensor": found.sensor_id})
        return Response(status=status.HTTP_204_NO_CONTENT)
