"""API of exporters, of their deliveries, and of what became of an event."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django_filters import utils
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from anpr_project.lib.auditing import identity, write_down
from anpr_project.lib.filters import LARGEST_ID, refuse_unknown_parameters
from anpr_project.lib.viewsets import ConfigViewSet
from audit.models import Action
from exporters import documentation, state
from exporters.configuration import InvalidConfiguration, Settings, read
from exporters.destination import refuse_forbidden
from exporters.filters import DeliveryFilterSet, ExporterFilterSet
from exporters.models import Delivery, ExporterConfig
from exporters.pagination import DeliveryPagination
from exporters.permissions import MayChange, MayRedeliver, MaySeeDeliveries
from exporters.redelivery import Redelivery
from exporters.removal import remove
from exporters.serializers import (
    DeliveryDetailSerializer,
    DeliverySerializer,
    ExporterSerializer,
    refusal,
)
from exporters.throttle import TrialThrottle
from exporters.trial import send_sample


def _settings(exporter: ExporterConfig) -> Settings:
    """Return the checked settings, for what is about to be used now; 400 when it cannot be."""
    try:
        refuse_forbidden(exporter.exporter_type, exporter.config)
        return read(exporter)
    except InvalidConfiguration as error:
        raise refusal(error) from None


class ExporterViewSet(ConfigViewSet[ExporterConfig]):
    """Sinks that get every matching event at least once: webhooks, MQTT brokers, Kafka topics.

    Secrets in `auth` are shown as `***`. Sent back like that, for the same destination and type,
    the stored ones stay.
    """

    queryset = ExporterConfig.objects.all()
    serializer_class = ExporterSerializer
    filterset_class = ExporterFilterSet
    search_fields = ["name"]
    ordering_fields = [
        "id",
        "name",
        "exporter_type",
        "last_success_at",
        "last_error_at",
        "created_at",
        "updated_at",
    ]

    def paginate_queryset(self, queryset: Any) -> Any:
        page = super().paginate_queryset(queryset)
        self.backlogs = state.backlogs(page or ())
        return page

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "backlogs": getattr(self, "backlogs", None)}

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self._refuse_target(request)
        return super().create(request, *args, **kwargs)

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self._refuse_target(request)
        return super().update(request, *args, **kwargs)

    def _refuse_target(self, request: Request) -> None:
        """Judge the addresses before the transaction: a slow name server must hold no lock."""
        body = request.data if isinstance(request.data, dict) else {}
        if "config" not in body:
            return
        kind = body.get("exporter_type")
        if "pk" in self.kwargs:
            rows = ExporterConfig.objects.filter(pk=self.kwargs["pk"])
            kind = rows.values_list("exporter_type", flat=True).first()
        try:
            refuse_forbidden(kind, body["config"])
        except InvalidConfiguration as error:
            raise refusal(error) from None

    def perform_destroy(self, instance: ExporterConfig) -> None:
        gone = identity(instance)
        remove(instance)
        write_down(self.request, Action.DELETED, gone)

    @extend_schema(**documentation.TRIAL)
    @action(
        detail=True,
        methods=["post"],
        permission_classes=[MayChange],
        throttle_classes=[TrialThrottle],
        filter_backends=[],
    )
    def test(self, request: Request, pk: int) -> Response:
        """Send a sample (`"type": "plate_event.test"`) by the same way as events, and wait for it.

        Nothing is stored, and nothing is retried. Five a minute for each user.
        """
        return Response(send_sample(_settings(self.get_object())))

    @extend_schema(summary="Switch on", **documentation.SWITCH)
    @action(detail=True, methods=["post"], permission_classes=[MayChange], filter_backends=[])
    def enable(self, request: Request, pk: int) -> Response:
        """Deliver again, at once: a pause or an open circuit ends, `disabled_reason` is emptied.

        The worker disables an exporter when its sink answers 410, or when all its attempts failed
        for 120 hours (the first and another one at least 12 hours apart within 24). What is pending
        waits for this call.
        """
        exporter = self.get_object()
        _settings(exporter)
        state.enable(exporter)
        write_down(request, Action.CHANGED, identity(exporter) | {"fields": {"enabled": True}})
        return self._shown(exporter)

    @extend_schema(summary="Switch off", **documentation.SWITCH)
    @action(detail=True, methods=["post"], permission_classes=[MayChange], filter_backends=[])
    def disable(self, request: Request, pk: int) -> Response:
        """Deliver nothing more. What is pending stays, and goes out after `enable`."""
        exporter = self.get_object()
        state.disable(exporter)
        write_down(request, Action.CHANGED, identity(exporter) | {"fields": {"enabled": False}})
        return self._shown(exporter)

    def _shown(self, exporter: ExporterConfig) -> Response:
        exporter.refresh_from_db()
        return Response(self.get_serializer(exporter).data)

    def _deliveries(self) -> QuerySet[Delivery]:
        exporter = self.get_object()
        return Delivery.objects.filter(exporter=exporter).select_related("event")

    @extend_schema(
        summary="Deliveries of the exporter",
        responses=DeliverySerializer(many=True),
        parameters=documentation.DELIVERIES,
    )
    @action(
        detail=True,
        permission_classes=[MaySeeDeliveries],
        pagination_class=DeliveryPagination,
        filter_backends=[],
    )
    def deliveries(self, request: Request, pk: int) -> Response:
        """Newest first. `next` and `previous` are whole addresses; nothing is counted."""
        known = ("cursor", "limit", *DeliveryFilterSet.base_filters)
        refuse_unknown_parameters(request.query_params, known)
        wanted = DeliveryFilterSet(request.query_params, queryset=self._deliveries())
        if not wanted.is_valid():
            raise utils.translate_validation(wanted.errors)
        pages = DeliveryPagination()
        page: Any = pages.paginate_queryset(wanted.qs, request, view=self)
        return pages.get_paginated_response(DeliverySerializer(page, many=True).data)

    @extend_schema(summary="A delivery with its attempts", responses=DeliveryDetailSerializer)
    @action(
        detail=True,
        url_path="deliveries/<int:delivery>",
        permission_classes=[MaySeeDeliveries],
        filter_backends=[],
    )
    def delivery(self, request: Request, pk: int, delivery: int) -> Response:
        """What became of each attempt, the first one first."""
        found = self._deliveries().filter(pk=min(delivery, LARGEST_ID)).first()
        if found is None:
            raise NotFound
        return Response(DeliveryDetailSerializer(found).data)

    @extend_schema(**documentation.REDELIVER)
    @action(detail=True, methods=["post"], permission_classes=[MayRedeliver], filter_backends=[])
    def redeliver(self, request: Request, pk: int) -> Response:
        """Send again, with the same message ids: by `ids`, or what was received in a range.

        Without `state` the range takes what was delivered and what is dead. With `missing`,
        matching events of the range that this exporter never had are sent too. At most 100,000 of
        each in a request.
        """
        queued = Redelivery.parse(request.data).queue(self.get_object())
        return Response({"queued": queued}, status.HTTP_202_ACCEPTED)
