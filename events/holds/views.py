"""API of legal holds: placed, looked at and lifted by administrators."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from anpr_project.lib.auditing import identity, write_down
from anpr_project.lib.permissions import ModelPermissions
from anpr_project.lib.serializers import ConfigSerializer, difference
from anpr_project.lib.viewsets import ConfigPagination
from audit.models import Action
from events.holds.models import LegalHold

EXAMPLE = OpenApiExample(
    "A plate, until the case is closed",
    request_only=True,
    value={
        "name": "Case 2026/118",
        "reason": "Asked for by the court, letter of 3 November",
        "plate": "AB12*",
        "captured_after": "2026-11-01T00:00:00Z",
    },
)


@extend_schema_serializer(examples=[EXAMPLE])
class LegalHoldSerializer(ConfigSerializer[LegalHold]):
    class Meta:
        model = LegalHold
        fields = [
            *("id", "name", "reason", "plate", "camera", "zone"),
            *("captured_after", "captured_before"),
            *("placed_at", "placed_by", "lifted_at", "lifted_by"),
        ]
        read_only_fields = ["placed_by", "lifted_at", "lifted_by"]


class LegalHoldViewSet(
    mixins.CreateModelMixin,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet[LegalHold],
):
    """Legal holds: events that fit all that one names stay, with their pictures, until it is lifted.

    A hold is never changed or deleted.
    """

    queryset = LegalHold.objects.all()
    serializer_class = LegalHoldSerializer
    permission_classes = [ModelPermissions]
    pagination_class = ConfigPagination
    lookup_value_converter = "int"

    def perform_create(self, serializer: BaseSerializer[LegalHold]) -> None:
        hold = serializer.save(placed_by=cast(User, self.request.user).get_username())
        made = identity(hold) | {"fields": difference(serializer, {})}
        write_down(self.request, Action.CREATED, made, reason=hold.reason)

    @extend_schema(summary="Lift a hold", request=None, responses=LegalHoldSerializer)
    @action(detail=True, methods=["post"])
    def lift(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        hold = self.get_object()
        if hold.lift(cast(User, request.user).get_username()):
            write_down(request, Action.CHANGED, identity(hold) | {"fields": {"lifted": True}})
        return Response(self.get_serializer(hold).data)
