"""Shape of zones in the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from anpr_project.lib.serializers import ConfigSerializer
from zones.models import Zone


def _several(items: dict[str, Any], least: int = 1) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least}


RING = _several({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}, 4)
GEOMETRY_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "GeoJSON Polygon or MultiPolygon: closed, valid, not self-crossing, in range",
    "properties": {
        "type": {"type": "string", "enum": ["Polygon", "MultiPolygon"]},
        "coordinates": {
            "description": "rings of positions; of a MultiPolygon: polygons of rings",
            "anyOf": [_several(RING), _several(_several(RING))],
        },
    },
    "required": ["type", "coordinates"],
}
EXAMPLE = OpenApiExample(
    "A car park on the map",
    request_only=True,
    value={
        "name": "Car park north",
        "zone_type": "parking",
        "space": "map",
        "geometry": {
            "type": "Polygon",
            "coordinates": [
                [[-0.12, 51.5], [-0.11, 51.5], [-0.11, 51.51], [-0.12, 51.51], [-0.12, 51.5]]
            ],
        },
        "capacity": 120,
    },
)


@extend_schema_field(GEOMETRY_SCHEMA)
class GeometryField(serializers.JSONField):
    pass


@extend_schema_serializer(examples=[EXAMPLE])
class ZoneSerializer(ConfigSerializer[Zone]):
    class Meta:
        model = Zone
        fields = [
            "id",
            "name",
            "zone_type",
            "space",
            "geometry",
            "capacity",
            "retention_days",
            "picture_retention_days",
            "enabled",
            "created_at",
            "updated_at",
        ]

    def build_standard_field(self, field_name: str, model_field: Any) -> Any:
        field_class, options = super().build_standard_field(field_name, model_field)
        return (GeometryField if field_name == "geometry" else field_class), options
