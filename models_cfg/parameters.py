"""JSON Schemas (2020-12) of the parameters that each type of model takes."""

from __future__ import annotations

from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError

_RATIO = {"type": "number", "minimum": 0, "maximum": 1}
_INPUT_SIZE = {
    "description": "width and height of the network's input, pixels",
    "type": "array",
    "items": {"type": "integer", "minimum": 16, "maximum": 8192},
    "minItems": 2,
    "maxItems": 2,
}
_RUNTIME = {
    "device": {"type": "string", "pattern": "^(cpu|cuda(:[0-9]+)?|tpu|npu)$"},
    "batch_size": {"type": "integer", "minimum": 1, "maximum": 1024},
    "precision": {"enum": ["fp32", "fp16", "int8"]},
}
_DETECTOR = {
    **_RUNTIME,
    "input_size": _INPUT_SIZE,
    "confidence_threshold": _RATIO,
    "nms_threshold": _RATIO,
    "max_detections": {"type": "integer", "minimum": 1, "maximum": 10_000},
}
_LABELS = {
    "type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": 64},
    "uniqueItems": True,
    "maxItems": 10_000,
}


def _schema(properties: dict[str, Any]) -> dict[str, Any]:
    # Unknown keys are refused: a misspelt threshold would otherwise be ignored in silence.
    return {"type": "object", "properties": properties, "additionalProperties": False}


SCHEMAS: dict[str, dict[str, Any]] = {
    "vehicle_detector": _schema({**_DETECTOR, "classes": _LABELS}),
    "plate_detector": _schema({**_DETECTOR, "min_plate_width": {"type": "integer", "minimum": 1}}),
    "ocr": _schema(
        {
            **_RUNTIME,
            "input_size": _INPUT_SIZE,
            "confidence_threshold": _RATIO,
            "alphabet": {"type": "string", "minLength": 1, "maxLength": 512},
            "regions": _LABELS,
            "min_length": {"type": "integer", "minimum": 1, "maximum": 32},
            "max_length": {"type": "integer", "minimum": 1, "maximum": 32},
            "top_n": {"type": "integer", "minimum": 1, "maximum": 50},
        }
    ),
    "vehicle_classifier": _schema(
        {
            **_RUNTIME,
            "input_size": _INPUT_SIZE,
            "confidence_threshold": _RATIO,
            "labels": _LABELS,
            "attributes": {
                "type": "array",
                "items": {"enum": ["type", "make", "model", "color", "year", "direction"]},
                "uniqueItems": True,
            },
        }
    ),
}
MAX_PROBLEMS = 20


def validate_parameters(model_type: str, parameters: Any) -> None:
    """Refuse parameters that the model's type does not know, and name each place."""
    from models_cfg.schema_check import problems  # late: only where a model is configured

    wrong = [
        ValidationError(
            f"{'.'.join(map(str, error.absolute_path)) or 'parameters'}: {error.message[:200]}",
            code="schema",
        )
        for error in islice(problems(SCHEMAS[model_type], parameters), MAX_PROBLEMS)
    ]
    if wrong:
        raise ValidationError(wrong)
