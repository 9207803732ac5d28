"""Query filters that refuse what they do not understand instead of ignoring it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import filters
from rest_framework.exceptions import ValidationError as APIValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from anpr_project.lib.errors import FieldError

LARGEST_ID = 2**63 - 1
ID_SCHEMA = {"type": "integer", "format": "int64", "minimum": 1, "maximum": LARGEST_ID}
MAX_TEXT_LENGTH = 500
# What Django's forms refuse in every text.
NO_NUL = "^[^\\x00]*$"
MAX_SEARCH_LENGTH = 200
MAX_SEARCH_TERMS = 10
TRUTHS = {"true": True, "1": True, "false": False, "0": False}


class TruthField(forms.Field):
    def to_python(self, value: Any) -> bool | None:
        text = str(value or "").strip().lower()
        if text and text not in TRUTHS:
            raise ValidationError("Expected true or false.", code="invalid")
        return TRUTHS.get(text)


class IdField(forms.IntegerField):
    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=LARGEST_ID, **options)


# django-filter has no type information: only the classes below derive from it.
@extend_schema_field(OpenApiTypes.BOOL)
class TruthFilter(django_filters.Filter):  # type: ignore[misc]
    """`?enabled=true`; anything but true, false, 1 and 0 is refused."""

    field_class = TruthField


@extend_schema_field(ID_SCHEMA)
class IdFilter(django_filters.Filter):  # type: ignore[misc]
    """`?camera=3`; an unknown id finds nothing, what is no id is refused."""

    field_class = IdField


@extend_schema_field(
    {"type": "string", "minLength": 1, "maxLength": MAX_TEXT_LENGTH, "pattern": NO_NUL}
)
class TextFilter(django_filters.CharFilter):  # type: ignore[misc]
    """A text as long as a name may be, compared without case."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"lookup_expr": "iexact", "max_length": MAX_TEXT_LENGTH} | options)


class RefusingForm(forms.Form):
    def clean(self) -> dict[str, Any]:
        """Refuse what is there without a value: it asks for something, and cannot say for what."""
        for name in self.fields:
            if not self.data.get(name, "-").strip() and not self.has_error(name):
                problem = ValidationError("Give it a value, or leave it out.", code="blank")
                self.add_error(name, problem)
        return self.cleaned_data


class RefusingFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    class Meta:
        form = RefusingForm


class ConfigFilterSet(RefusingFilterSet):
    enabled = TruthFilter()


def refuse_unknown_parameters(query: Iterable[str], known: Iterable[str]) -> None:
    """Refuse a parameter that nobody reads: who misspells a filter must not get the whole list."""
    for name in set(query).difference(known):
        raise FieldError(name, "unknown", "There is no parameter of this name.")


class KnownParametersFilter(filters.BaseFilterBackend):
    """Knows what the view, its pages and its filters read."""

    OTHERS = frozenset({"search", "ordering", "page", "page_size", "limit"})

    def filter_queryset(
        self, request: Request, queryset: models.QuerySet[Any], view: Any
    ) -> models.QuerySet[Any]:
        if view.action == "list":
            refuse_unknown_parameters(
                request.query_params, self.OTHERS.union(view.filterset_class.base_filters)
            )
        return queryset


class BoundedSearchFilter(filters.SearchFilter):
    """DRF's search, but a query of a thousand words does not reach the database."""

    def get_search_terms(self, request: Request) -> list[str]:
        if len(request.query_params.get(self.search_param, "")) > MAX_SEARCH_LENGTH:
            raise FieldError(
                self.search_param, "max_length", f"At most {MAX_SEARCH_LENGTH} characters."
            )
        try:
            terms = list(super().get_search_terms(request))
        except APIValidationError as error:
            raise APIValidationError({self.search_param: error.detail}) from None
        return terms[:MAX_SEARCH_TERMS]

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            parameter["schema"] |= {"maxLength": MAX_SEARCH_LENGTH, "pattern": NO_NUL}
        return parameters


class StableOrderingFilter(filters.OrderingFilter):
    """Orders by id last, so that pages never overlap."""

    def filter_queryset(
        self, request: Request, queryset: models.QuerySet[Any], view: APIView
    ) -> models.QuerySet[Any]:
        self._refuse_unknown_fields(request, queryset, view)
        ordering = self.get_ordering(request, queryset, view) or ()
        return queryset.order_by(*dict.fromkeys([*ordering, "id"]))

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        names = getattr(view, "ordering_fields", None) or ()
        name = f" *-?({'|'.join(names)})? *"
        for parameter in parameters:
            parameter["schema"]["pattern"] = f"^{name}(,{name})*$"
        return parameters

    def _refuse_unknown_fields(
        self, request: Request, queryset: models.QuerySet[Any], view: APIView
    ) -> None:
        """DRF leaves out what it cannot order by, which looks as if it had."""
        known = [name for name, _ in self.get_valid_fields(queryset, view, {"request": request})]
        for name in request.query_params.get(self.ordering_param, "").split(","):
            if name.strip(" ").removeprefix("-") not in ("", *known):
                message = f"Expected names of {', '.join(known)}, with - in front for descending."
                raise FieldError(self.ordering_param, "unknown", message)
