"""Base of the configuration serializers: the model's own checks, strict ids and numbers, UTC."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC
from typing import Any, TypeVar

from django.db import models
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.relations import ManyRelatedField

M = TypeVar("M", bound=models.Model)
LARGEST_ID = 2**63 - 1
MAX_RELATED = 1000


def _is_text(field: serializers.Field[Any, Any, Any, Any], data: Any) -> bool:
    """Whether it comes from a file in which everything is text: then a text may be a number."""
    return isinstance(data, str) and bool(field.context.get("from_text"))


def _is_number(field: serializers.Field[Any, Any, Any, Any], data: Any) -> bool:
    is_number = isinstance(data, (int, float)) and not isinstance(data, bool)
    return is_number or _is_text(field, data)


class NumberField(serializers.FloatField):
    """A finite number; DRF's own would take `true` for 1, and "1" too."""

    def to_internal_value(self, data: Any) -> float:
        if not _is_number(self, data):
            self.fail("invalid")
        return float(super().to_internal_value(data))


class WholeNumberField(serializers.IntegerField):
    """A whole number, as JSON has them."""

    def to_internal_value(self, data: Any) -> int:
        if not _is_number(self, data):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class TextField(serializers.CharField):
    """A text; DRF's own would take 123 for "123"."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class TruthField(serializers.BooleanField):
    """True or false; DRF's own would take "yes", 1 and more."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool) and not _is_text(self, data):
            self.fail("invalid", input=data)
        return bool(super().to_internal_value(data))


@extend_schema_field({"type": "object", "additionalProperties": {}})
class ObjectField(serializers.JSONField):
    """A JSON object; what may be in it is checked by the model."""


class UTCDateTimeField(serializers.DateTimeField):
    """A moment, always written in UTC, whatever TIME_ZONE the pages use."""

    timezone = UTC


class RelatedId(serializers.PrimaryKeyRelatedField[M]):
    """The id of another row: a whole number, never a rounded or guessed one."""

    default_error_messages = {
        "does_not_exist": "There is no row with this id.",
        "incorrect_type": "Expected the id of a row, a whole number.",
    }

    @classmethod
    def many_init(cls, *args: Any, **kwargs: Any) -> RelatedIds:
        options = {name: kwargs[name] for name in ("required", "help_text") if name in kwargs}
        return RelatedIds(child_relation=cls(*args, **kwargs), **options)

    def whole_number(self, data: Any) -> int:
        if isinstance(data, str) and data.isascii() and data.isdigit() and len(data) <= 19:
            return int(data)
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("incorrect_type")
        return int(data)

    def to_internal_value(self, data: Any) -> Any:
        return self.rows([self.whole_number(data)])[0]

    def rows(self, numbers: list[int]) -> list[Any]:
        """Return the rows with these ids, in one query."""
        rows: Any = self.get_queryset()
        found = rows.in_bulk([number for number in numbers if 0 < number <= LARGEST_ID])
        if any(number not in found for number in numbers):
            self.fail("does_not_exist")
        return [found[number] for number in numbers]


class RelatedIds(ManyRelatedField):
    """Ids of other rows; a repeated one counts once."""

    default_error_messages = {"too_many": f"Expected at most {MAX_RELATED} ids."}
    child_relation: RelatedId[Any]

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            self.fail("not_a_list", input_type=type(data).__name__)
        if len(data) > MAX_RELATED:
            self.fail("too_many")
        numbers = dict.fromkeys(self.child_relation.whole_number(item) for item in data)
        return self.child_relation.rows(list(numbers))


class ConfigSerializer(serializers.ModelSerializer[M]):
    """Runs Model.clean() on what the row would become, for POST, PUT and PATCH alike."""

    serializer_related_field = RelatedId
    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.FloatField: NumberField,
        models.CharField: TextField,
        models.TextField: TextField,
        models.BooleanField: TruthField,
        models.IntegerField: WholeNumberField,
        models.PositiveIntegerField: WholeNumberField,
        models.PositiveSmallIntegerField: WholeNumberField,
        models.SmallIntegerField: WholeNumberField,
        models.BigIntegerField: WholeNumberField,
        models.DateTimeField: UTCDateTimeField,
    }

    def _row_values(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values that stand in the row itself, not in a through table."""
        model: type[models.Model] = self.Meta.model
        many = {field.name for field in model._meta.many_to_many}
        return {name: value for name, value in values.items() if name not in many}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        model: type[models.Model] = self.Meta.model
        row = model() if self.instance is None else copy.copy(self.instance)
        for name, value in self._row_values(attrs).items():
            setattr(row, name, value)
        row.clean()
        return attrs

    def update(self, instance: M, validated_data: dict[str, Any]) -> M:
        """Write only what the request names: a sensor's life signs may change meanwhile."""
        row_values = self._row_values(validated_data)
        for name, value in row_values.items():
            setattr(instance, name, value)
        instance.save(update_fields=[*row_values, "updated_at"])
        for name in validated_data.keys() - row_values.keys():
            getattr(instance, name).set(validated_data[name])
        return instance


def difference(
    serializer: serializers.BaseSerializer[Any], before: Mapping[str, Any]
) -> dict[str, list[Any]]:
    """Return each field that was changed, with its old and its new value as the API shows them."""
    assert isinstance(serializer, serializers.Serializer)  # noqa: S101 - configuration is no list
    return {
        name: [before.get(name), value]
        for name, value in serializer.data.items()
        if not serializer.fields[name].read_only and before.get(name) != value
    }
