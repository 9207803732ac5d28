"""Shape of cameras in the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer

from anpr_project.lib.serializers import ConfigSerializer, RelatedId, TextField
from cameras.models import Camera
from cameras.rtsp import masked, unmasked
from zones.models import Zone

EXAMPLE = OpenApiExample(
    "A camera at a gate",
    request_only=True,
    value={
        "name": "Gate north",
        "rtsp_url": "rtsp://viewer:secret@192.0.2.10:554/stream1",
        "fps": 25,
        "width": 1920,
        "height": 1080,
        "latitude": 51.5,
        "longitude": -0.12,
        "heading": 270,
        "address": "1 High Street",
        "zones": [],
    },
)


class RtspUrlField(TextField):
    """Shows `***` for the password; the same `***` sent back keeps the stored one."""

    def to_representation(self, value: str) -> str:
        return masked(value)

    def to_internal_value(self, data: Any) -> str:
        url = super().to_internal_value(data)
        camera = getattr(self.parent, "instance", None)
        return unmasked(url, camera.rtsp_url if isinstance(camera, Camera) else "")


@extend_schema_serializer(examples=[EXAMPLE])
class CameraSerializer(ConfigSerializer[Camera]):
    zones = RelatedId(
        many=True,
        queryset=Zone.objects.all(),
        required=False,
        help_text="ids of the zones that the camera sees",
    )

    class Meta:
        model = Camera
        fields = [
            "id",
            "name",
            "rtsp_url",
            "fps",
            "width",
            "height",
            "latitude",
            "longitude",
            "heading",
            "address",
            "zones",
            "enabled",
            "created_at",
            "updated_at",
        ]

    def build_standard_field(self, field_name: str, model_field: Any) -> Any:
        field_class, options = super().build_standard_field(field_name, model_field)
        if field_name == "rtsp_url":
            field_class = RtspUrlField
            options.pop("style", None)
        return field_class, options
