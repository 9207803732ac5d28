"""Checks parameters against their JSON Schema; loads the library for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend


def _unique(
    validator: object, wanted: bool, value: Any, schema: object
) -> Iterator[ValidationError]:
    # The library compares each with each when it cannot sort: minutes for a list of a megabyte.
    if isinstance(value, list) and len({json.dumps(item) for item in value}) != len(value):
        yield ValidationError("an element is repeated")


_Validator: Any = extend(Draft202012Validator, {"uniqueItems": _unique})  # type: ignore[no-untyped-call]


def problems(schema: dict[str, Any], parameters: Any) -> Iterator[ValidationError]:
    found: Iterator[ValidationError] = _Validator(schema).iter_errors(parameters)
    return found
