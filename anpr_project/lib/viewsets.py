"""Base of the configuration endpoints: list with filter, search, order and pages; full CRUD."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import filters, pagination, viewsets

from anpr_project.lib.permissions import ModelPermissions

M = TypeVar("M", bound=models.Model)


class ConfigPagination(pagination.PageNumberPagination):
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500


class ConfigViewSet(viewsets.ModelViewSet[M]):
    permission_classes = [ModelPermissions]
    pagination_class = ConfigPagination
    filter_backends: list[Any] = [DjangoFilterBackend, filters.SearchFilter, filters.OrderingFilter]
    ordering = ["id"]
    lookup_value_converter = "int"
