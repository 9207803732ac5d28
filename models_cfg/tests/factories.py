"""Small makers of rows for tests; each takes only what a test cares about."""

from __future__ import annotations

from typing import Any

from anpr_project.lib.tests.factories import numbers
from models_cfg.models import ModelConfig


def make_model(**fields: Any) -> ModelConfig:
    defaults = {
        "name": f"model-{next(numbers)}",
        "version": "1.0",
        "model_type": "ocr",
        "weights_path": "/models/ocr.onnx",
    }
    return ModelConfig.objects.create(**defaults | fields)
