from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from events.documentation import FILTERS
from events.filters import PARSERS
from events.search import keyset
from events.tests.rows import make_event

PATHS = {"list": "/api/v1/events", "detail": "/api/v1/events/{id}", "stats": "/api/v1/events/stats"}


@pytest.fixture(scope="module")
def paths() -> Any:
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]  # has no annotations
    return generator.get_schema(request=None, public=True)["paths"]  # type: ignore[no-untyped-call]


def response_of(paths: Any, path: str) -> Any:
    return paths[path]["get"]["responses"]["200"]["content"]["application/json"]


def parts(schema: Any) -> Iterator[Any]:
    yield schema
    for part in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(part, (dict, list)):
            yield from parts(part)


def with_null(schema: Any) -> Any:
    """OpenAPI 3.0 says `nullable`, JSON Schema does not know it."""
    if isinstance(schema, list):
        return [with_null(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: with_null(part) for key, part in schema.items()}
    return {"anyOf": [made, {"type": "null"}]} if made.pop("nullable", False) else made


def path_of(paths: dict[str, Any], name: str) -> str:
    return next(path for path in paths if path.replace("{pk}", "{id}") == PATHS[name])


def test_every_filter_is_documented() -> None:
    assert [parameter.name for parameter in FILTERS] == list(PARSERS)


def test_list_and_statistics_document_what_they_read(paths: Any) -> None:
    def named(path: str) -> set[str]:
        return {parameter["name"] for parameter in paths[path]["get"]["parameters"]}

    assert named(PATHS["list"]) == {*PARSERS, "similar", *keyset.PARAMETERS}
    assert named(PATHS["stats"]) == {*PARSERS, "from", "to", "bucket"}


@pytest.mark.parametrize("name", PATHS)
def test_schema_stands_alone_and_describes_its_example(paths: Any, name: str) -> None:
    content = response_of(paths, path_of(paths, name))
    for part in parts(content["schema"]):
        assert not isinstance(part, dict) or not {"$ref", "$defs", "prefixItems"} & part.keys()
        assert not isinstance(part, dict) or part.get("type") != "null"
    [example] = content["examples"].values()
    jsonschema.validate(example["value"], with_null(content["schema"]))


@pytest.mark.parametrize("name", PATHS)
def test_answers_are_what_the_schema_says(api: APIClient, paths: Any, name: str) -> None:
    details = {
        "bbox": [1, 2, 3, 4],
        "candidates": [{"plate": "A8", "confidence": 0.5}],
        "vehicle": {"type": "car", "year": 2019},
        "location": {"latitude": 51.5, "longitude": -0.12},
    }
    event = make_event(tyres=["ff"], details=details, frame="x.jpg")
    path = path_of(paths, name)
    schema = with_null(response_of(paths, path)["schema"])
    for query in ({}, {"similar": "A812CDE"} if name == "list" else {}):
        response = api.get(path.replace("{pk}", "{id}").replace("{id}", str(event.pk)), query)
        jsonschema.validate(response.json(), schema)
