"""Base of the configuration endpoints: list with filter, search, order and pages; full CRUD."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models, transaction
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import pagination, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from anpr_project.lib.auditing import identity, write_down
from anpr_project.lib.errors import FieldError
from anpr_project.lib.filters import (
    BoundedSearchFilter,
    KnownParametersFilter,
    StableOrderingFilter,
)
from anpr_project.lib.permissions import ModelPermissions
from anpr_project.lib.serializers import difference
from audit.models import Action

M = TypeVar("M", bound=models.Model)

# Beyond the last page of any list: 404.
MOST_PAGES = 1_000_000_000


def asked_number(request: Request, name: str, usual: int, most: int) -> int:
    """Return which page, or how many rows of it; what is no number is refused, too high is cut."""
    text = request.query_params.get(name)
    if text is None:
        return usual
    if not (text.isascii() and text.isdigit() and text.strip("0")):
        raise FieldError(name, "invalid", "Expected a whole number from 1 on.")
    return min(int(text[:19]), most)


class ConfigPagination(pagination.PageNumberPagination):
    """Pages by number; their size may be asked for as in the lists of events, by `limit`."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500

    def get_page_number(self, request: Request, paginator: Any) -> int:
        # The base class takes an empty one for the first, and knows words.
        return asked_number(request, "page", 1, MOST_PAGES)

    def get_page_size(self, request: Request) -> int:
        size = asked_number(request, "page_size", self.page_size, self.max_page_size)
        # It goes before the other one, which has to be a number all the same.
        return asked_number(request, "limit", size, self.max_page_size)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            parameter["schema"] |= {"minimum": 1}
        size = next(one for one in parameters if one["name"] == "page_size")
        return [*parameters, size | {"name": "limit", "description": "The same as page_size."}]


def _row(serializer: BaseSerializer[M]) -> M:
    assert serializer.instance is not None  # noqa: S101 - saved, or about to be changed
    return serializer.instance


class ConfigViewSet(viewsets.ModelViewSet[M]):
    permission_classes = [ModelPermissions]
    pagination_class = ConfigPagination
    filter_backends: list[Any] = [
        KnownParametersFilter,
        DjangoFilterBackend,
        BoundedSearchFilter,
        StableOrderingFilter,
    ]
    ordering = ["id"]
    lookup_value_converter = "int"

    def get_queryset(self) -> models.QuerySet[M]:
        rows = super().get_queryset()
        if self.action in ("update", "partial_update"):
            # Two PATCHes that each pass the checks must not add up to a row that does not.
            rows = rows.select_for_update(of=("self",))
        return rows

    # A row and its relations are written together or not at all. Foreign keys are checked at the
    # commit, so the transaction has to end inside the view for its error to become a 409.
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with transaction.atomic():
            return super().create(request, *args, **kwargs)

    def perform_create(self, serializer: BaseSerializer[M]) -> None:
        super().perform_create(serializer)
        made = identity(_row(serializer)) | {"fields": difference(serializer, {})}
        write_down(self.request, Action.CREATED, made)

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with transaction.atomic():
            return super().update(request, *args, **kwargs)

    def perform_update(self, serializer: BaseSerializer[M]) -> None:
        before = self.get_serializer(_row(serializer)).data
        super().perform_update(serializer)
        changed = difference(serializer, before)
        write_down(self.request, Action.CHANGED, identity(_row(serializer)) | {"fields": changed})

    def perform_destroy(self, instance: M) -> None:
        gone = identity(instance)
        with transaction.atomic():
            super().perform_destroy(instance)
            write_down(self.request, Action.DELETED, gone)
