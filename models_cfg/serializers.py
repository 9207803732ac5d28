"""Shape of model configurations in the API."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework.exceptions import ValidationError
from rest_framework.serializers import BaseSerializer
from rest_framework.validators import UniqueTogetherValidator

from anpr_project.lib.serializers import ConfigSerializer, ObjectField
from models_cfg.models import ModelConfig

EXAMPLE = OpenApiExample(
    "A plate reader",
    request_only=True,
    value={
        "name": "plate-ocr",
        "version": "2.1.0",
        "model_type": "ocr",
        "weights_path": "/models/plate-ocr-2.1.0.onnx",
        "weights_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "parameters": {
            "confidence_threshold": 0.4,
            "alphabet": "ABCDEFGHJKLMNPRSTUVWXYZ0123456789",
        },
    },
)


class VersionIsNew(UniqueTogetherValidator):
    """Says at the version that the name has it already."""

    message = "This version of the model exists already."

    def __call__(self, attrs: MutableMapping[str, Any], serializer: BaseSerializer[Any]) -> None:
        try:
            super().__call__(attrs, serializer)
        except ValidationError as error:
            raise ValidationError({"version": error.detail}) from None


@extend_schema_serializer(examples=[EXAMPLE])
class ModelConfigSerializer(ConfigSerializer[ModelConfig]):
    parameters = ObjectField(required=False)

    class Meta:
        model = ModelConfig
        fields = [
            "id",
            "name",
            "version",
            "model_type",
            "weights_path",
            "weights_sha256",
            "parameters",
            "enabled",
            "created_at",
            "updated_at",
        ]
        validators = [VersionIsNew(ModelConfig.objects.all(), fields=("name", "version"))]
