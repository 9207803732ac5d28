from __future__ import annotations

import time
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from jsonschema import Draft202012Validator

from models_cfg.models import ModelType
from models_cfg.parameters import MAX_PROBLEMS, SCHEMAS, validate_parameters


def test_every_type_has_a_valid_schema_and_takes_no_parameters() -> None:
    assert set(SCHEMAS) == set(ModelType.values)
    for kind, schema in SCHEMAS.items():
        Draft202012Validator.check_schema(schema)
        validate_parameters(kind, {})


@pytest.mark.parametrize(
    ("kind", "parameters", "problem"),
    [
        ("ocr", [], "parameters: [] is not of type 'object'"),
        ("ocr", {"top_n": 0}, "top_n: 0 is less than the minimum of 1"),
        ("ocr", {"device": "gpu"}, "device: 'gpu' does not match"),
        ("plate_detector", {"input_size": [640]}, "input_size: [640] is too short"),
        ("vehicle_detector", {"classes": ["car", "car"]}, "classes: an element is repeated"),
        ("vehicle_classifier", {"attributes": ["wheels"]}, "attributes.0: 'wheels' is not one of"),
    ],
)
def test_wrong_parameters_are_named(kind: str, parameters: Any, problem: str) -> None:
    with pytest.raises(ValidationError) as error:
        validate_parameters(kind, parameters)
    assert problem in " ".join(error.value.messages)


def test_long_list_of_odd_values_is_refused_soon_and_briefly() -> None:
    labels = [item for number in range(30_000) for item in (number, str(number))]
    started = time.process_time()
    with pytest.raises(ValidationError) as error:
        validate_parameters("vehicle_detector", {"classes": labels})
    assert time.process_time() - started < 20
    assert len(error.value.messages) <= MAX_PROBLEMS
