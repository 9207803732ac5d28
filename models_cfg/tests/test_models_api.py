from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from anpr_project.lib.tests.config_contract import ConfigContract, Entity, fields_of
from anpr_project.lib.tests.factories import numbers
from models_cfg.models import ModelConfig
from models_cfg.tests.factories import make_model

PATH = "/api/v1/config/models"


def body(**fields: Any) -> dict[str, Any]:
    return {
        "name": f"ocr {next(numbers):05}",
        "version": "1.0",
        "model_type": "ocr",
        "weights_path": "/models/ocr.onnx",
        "weights_sha256": "0" * 64,
        "parameters": {"confidence_threshold": 0.5},
    } | fields


@pytest.mark.main_path
class TestModels(ConfigContract):
    entity = Entity(
        path=PATH,
        model=ModelConfig,
        body=body,
        texts=["name", "version", "weights_path"],
        json_fields=["parameters"],
        unique="version",
        change={"weights_path": "/models/new.onnx", "enabled": False},
        refused_queries=[("model_type=moon", "model_type"), ("version=%00", "version")],
    )


def test_parameters_follow_the_schema_of_the_type_for_every_method(api: APIClient) -> None:
    response = api.post(PATH, body(parameters={"confidence_threshold": 2, "typo": 1}))
    assert response.status_code == 400
    assert fields_of(response) == {"parameters"}
    messages = " ".join(problem["message"] for problem in response.json()["errors"])
    assert "confidence_threshold: 2 is greater than the maximum of 1" in messages
    assert "'typo' was unexpected" in messages
    assert not ModelConfig.objects.exists()

    model = make_model(parameters={"alphabet": "ABC"})
    patched = api.patch(f"{PATH}/{model.pk}", {"model_type": "plate_detector"})
    assert patched.status_code == 400
    assert fields_of(patched) == {"parameters"}
    replaced = api.put(
        f"{PATH}/{model.pk}", body(model_type="plate_detector", parameters={"alphabet": "A"})
    )
    assert replaced.status_code == 400
    model.refresh_from_db()
    assert model.model_type == "ocr"


def test_name_and_version_are_unique_together_also_by_patch(api: APIClient) -> None:
    make_model(name="a", version="1")
    other = make_model(name="a", version="2")
    response = api.patch(f"{PATH}/{other.pk}", {"version": "1"})
    assert response.status_code == 400
    assert response.json()["errors"] == [
        {
            "field": "version",
            "code": "unique",
            "message": "This version of the model exists already.",
        }
    ]
    assert api.patch(f"{PATH}/{other.pk}", {"version": "2"}).status_code == 200


@pytest.mark.parametrize("digest", ["0" * 63, "0" * 65, "A" * 64, "g" * 64])
def test_weights_digest_is_64_lower_case_hex_digits(api: APIClient, digest: str) -> None:
    response = api.post(PATH, body(weights_sha256=digest))
    assert response.status_code == 400
    assert fields_of(response) == {"weights_sha256"}


@pytest.mark.parametrize("query", ["model_type=ocr", "version=2.0"])
def test_filters_select(api: APIClient, query: str) -> None:
    make_model(model_type="plate_detector")
    wanted = make_model(version="2.0")
    found = api.get(f"{PATH}?{query}").json()["results"]
    assert [row["id"] for row in found] == [wanted.pk]
