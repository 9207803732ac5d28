"""Shapes of exporters and their deliveries in the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from anpr_project.lib.serializers import ConfigSerializer, UTCDateTimeField
from exporters import documentation
from exporters.configuration import InvalidConfiguration, Problem, check
from exporters.destination import is_same
from exporters.masking import masked, shown_auth, stored_auth, unmasked
from exporters.models import Delivery, DeliveryAttempt, ExporterConfig
from exporters.payload import message_id
from exporters.references import refuse_unknown
from exporters.state import AFRESH, State, backlogs, state_of

# What is checked together, because one part's meaning depends on another.
PARTS = frozenset({"exporter_type", "config", "auth", "retry", "filters"})
# A changed address or secret is tried at once, and so is what was switched on again.
RENEWING = frozenset({"config", "auth", "enabled"})


def refusal(error: InvalidConfiguration) -> serializers.ValidationError:
    """Return the problems in the one shape of API errors."""
    return serializers.ValidationError(
        {problem.field: [ErrorDetail(problem.message, problem.code)] for problem in error.problems}
    )


class AuthField(serializers.JSONField):
    """Shows `***` for secrets; null when no key of the server opens them any more."""

    def get_attribute(self, instance: Any) -> Any:
        return instance

    def to_representation(self, value: Any) -> Any:
        return shown_auth(value)


@extend_schema_field(documentation.CONFIG)
class ConfigField(serializers.JSONField):
    pass


@extend_schema_field(documentation.RETRY)
class RetryField(serializers.JSONField):
    pass


@extend_schema_field(documentation.FILTERS)
class FiltersField(serializers.JSONField):
    pass


@extend_schema_serializer(examples=documentation.EXPORTERS)
class ExporterSerializer(ConfigSerializer[ExporterConfig]):
    config = ConfigField()
    auth = AuthField(required=False)
    retry = RetryField(required=False)
    filters = FiltersField(required=False)
    state = serializers.SerializerMethodField()

    class Meta:
        model = ExporterConfig
        fields = [
            "id",
            "name",
            "exporter_type",
            "config",
            "auth",
            "retry",
            "filters",
            "ordered",
            "enabled",
            "state",
            "created_at",
            "updated_at",
        ]

    @extend_schema_field(documentation.STATE)
    def get_state(self, exporter: ExporterConfig) -> State:
        known = self.context.get("backlogs") or backlogs([exporter])
        return state_of(exporter, known[exporter.pk])

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if not PARTS.isdisjoint(attrs):
            try:
                self._check(attrs)
            except InvalidConfiguration as error:
                raise refusal(error) from None
        return attrs

    def _check(self, attrs: dict[str, Any]) -> None:
        row = self.instance
        assert row is None or isinstance(row, ExporterConfig)  # noqa: S101 - never a list here
        kind = attrs["exporter_type"] if row is None else row.exporter_type
        if attrs.get("exporter_type", kind) != kind:
            raise InvalidConfiguration(
                [Problem("exporter_type", "immutable", "The type of an exporter cannot change.")]
            )
        parts = {name: _part(name, attrs, row) for name in ("config", "retry", "filters")}
        auth = _auth(attrs, row, kind)
        made = check(kind=kind, auth=auth, **parts)
        if "filters" in attrs:
            refuse_unknown(made.filters)
        if row is None or "auth" in attrs:
            attrs["auth"] = msgspec.json.encode(auth).decode()

    def update(self, instance: ExporterConfig, validated_data: dict[str, Any]) -> ExporterConfig:
        if not RENEWING.isdisjoint(validated_data):
            validated_data |= AFRESH
        if validated_data.get("enabled"):
            validated_data["disabled_reason"] = ""
        return super().update(instance, validated_data)


def _part(name: str, attrs: Mapping[str, Any], row: ExporterConfig | None) -> Any:
    return attrs.get(name, {} if row is None else getattr(row, name))


def _auth(attrs: Mapping[str, Any], row: ExporterConfig | None, kind: str) -> Any:
    """Return the credentials as they are to be stored; what is not given counts as `***`."""
    if row is None:
        return unmasked(attrs.get("auth", {"type": "none"}), {}, same_destination=False)
    stored = stored_auth(row)
    given = attrs["auth"] if "auth" in attrs else masked(stored or {"type": "none"})
    same = "config" not in attrs or is_same(kind, attrs["config"], row.config)
    return unmasked(given, stored, same_destination=same)


class AttemptSerializer(serializers.ModelSerializer[DeliveryAttempt]):
    number = serializers.IntegerField(read_only=True)
    started_at = UTCDateTimeField(read_only=True)

    class Meta:
        model = DeliveryAttempt
        fields = ["number", "started_at", "duration_ms", "succeeded", "code", "error"]


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    """One event on its way to one sink."""

    message_id = serializers.SerializerMethodField(
        help_text="the id that the sink was given, the same at each attempt"
    )
    created_at = UTCDateTimeField(read_only=True)
    next_attempt_at = serializers.SerializerMethodField(help_text="null unless pending")
    delivered_at = UTCDateTimeField(read_only=True, allow_null=True)

    class Meta:
        model = Delivery
        fields = [
            "id",
            "event",
            "message_id",
            "state",
            "attempts",
            "created_at",
            "next_attempt_at",
            "delivered_at",
            "last_error",
        ]

    def get_message_id(self, delivery: Delivery) -> str:
        return message_id(delivery.event.event_id, delivery.event.sensor_id)

    @extend_schema_field({"type": "string", "format": "date-time", "nullable": True})
    def get_next_attempt_at(self, delivery: Delivery) -> Any:
        is_pending = delivery.state == Delivery.State.PENDING
        field = UTCDateTimeField()
        return field.to_representation(delivery.next_attempt_at) if is_pending else None


class DeliveryDetailSerializer(DeliverySerializer):
    """A delivery with every attempt that was made, the first one first."""

    tries = serializers.SerializerMethodField()

    class Meta(DeliverySerializer.Meta):
        fields = [*DeliverySerializer.Meta.fields, "tries"]

    @extend_schema_field(AttemptSerializer(many=True))
    def get_tries(self, delivery: Delivery) -> Any:
        rows: list[Any] = list(delivery.tries.order_by("id"))
        for number, row in enumerate(rows, start=1):
            row.number = number
        return AttemptSerializer(rows, many=True).data
