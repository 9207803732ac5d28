"""Shapes of sensors and of their keys in the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from anpr_project.lib.serializers import ConfigSerializer, RelatedId, UTCDateTimeField
from models_cfg.models import ModelConfig
from sensors.models import SensorKey, SensorSettings

EXAMPLE = OpenApiExample(
    "A sensor at a gate",
    request_only=True,
    value={
        "name": "edge-01",
        "serial_number": "SN-000123",
        "camera": 3,
        "zone": None,
        "models": [],
        "settings": {"upload_crops": True},
    },
)
KEY_EXAMPLE = OpenApiExample(
    "A key for the next rotation", request_only=True, value={"label": "rotated 2026-11"}
)


_any: dict[str, Any] = {
    "anyOf": [{"type": kind} for kind in ("object", "string", "number", "boolean")]
}
_any["anyOf"].append({"type": "array", "items": {}})


@extend_schema_field(_any | {"description": "any JSON but null"})
class AnythingField(serializers.JSONField):
    pass


@extend_schema_serializer(examples=[EXAMPLE])
class SensorSerializer(ConfigSerializer[SensorSettings]):
    models = RelatedId(
        many=True,
        queryset=ModelConfig.objects.all(),
        required=False,
        help_text="ids of the models that the sensor runs",
    )

    class Meta:
        model = SensorSettings
        fields = [
            "id",
            "name",
            "serial_number",
            "camera",
            "zone",
            "models",
            "settings",
            "enabled",
            "last_seen_at",
            "clock_offset_s",
            "created_at",
            "updated_at",
        ]

    def build_standard_field(self, field_name: str, model_field: Any) -> Any:
        field_class, options = super().build_standard_field(field_name, model_field)
        return (AnythingField if field_name == "settings" else field_class), options


class SensorKeySerializer(serializers.ModelSerializer[SensorKey]):
    """A key as it is listed: never its secret."""

    created_at = UTCDateTimeField(read_only=True)
    last_used_at = UTCDateTimeField(read_only=True, allow_null=True)
    revoked_at = UTCDateTimeField(read_only=True, allow_null=True)

    class Meta:
        model = SensorKey
        fields = ["id", "key_id", "label", "created_at", "last_used_at", "revoked_at"]


@extend_schema_serializer(examples=[KEY_EXAMPLE])
class NewSensorKeySerializer(serializers.ModelSerializer[SensorKey]):
    """A key as it is made: the only time that its secret is shown."""

    serializer_field_mapping = ConfigSerializer.serializer_field_mapping

    key = serializers.SerializerMethodField(
        help_text="the credential, for `Authorization: Api-Key <key>`; shown this once"
    )
    created_at = UTCDateTimeField(read_only=True)

    class Meta:
        model = SensorKey
        fields = ["id", "key", "key_id", "label", "created_at"]

    def get_key(self, key: SensorKey) -> str:
        return str(self.context["text"])
