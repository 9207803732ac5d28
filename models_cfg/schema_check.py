"""Checks parameters against their JSON Schema; loads the library for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from models_cfg.parameters import SCHEMAS


def _unique(
    validator: object, wanted: bool, value: Any, schema: object
) -> Iterator[ValidationError]:
    # The library compares each with each when it cannot sort: minutes for a list of a megabyte.
    if isinstance(value, list) and len({json.dumps(item) for item in value}) != len(value):
        yield ValidationError("an element is repeated")


_Validator: Any = extend(Draft202012Validator, {"uniqueItems": _unique})  # type: ignore[no-untyped-call]
_VALIDATORS = {kind: _Validator(schema) for kind, schema in SCHEMAS.items()}


def problems(model_type: str, parameters: Any) -> Iterator[ValidationError]:
    found: Iterator[ValidationError] = _VALIDATORS[model_type].iter_errors(parameters)
    return found
