"""/schema, /docs and /redoc: complete, valid, and without a word to any other host."""

from __future__ import annotations

import io
import re
import shutil
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from openapi_spec_validator import validate
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
# Not localhost, on which the page behaves better than elsewhere.
HOST = "anpr.example"
FLAGS = [
    *["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic"],
    *["--disable-component-update", "--disable-sync", "--no-first-run"],
    f"--host-resolver-rules=MAP {HOST} 127.0.0.1",
]
METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    response = Client().get("/schema")
    assert response.status_code == 200
    content: dict[str, Any] = response.json()
    return content


def operations(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", item[method])
        for path, item in schema["paths"].items()
        for method in METHODS
        if method in item
    ]


def test_the_schema_is_made_without_a_warning() -> None:
    out, err = io.StringIO(), io.StringIO()

    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out, stderr=err)

    assert out.getvalue().startswith("openapi: 3")


@pytest.mark.parametrize(
    ("query", "accept", "begin"),
    [
        ("", "*/*", b"{"),
        ("", "application/yaml", b"openapi: 3"),
        ("?format=yaml", "*/*", b"openapi: 3"),
    ],
)
def test_the_schema_is_json_unless_asked_otherwise(
    client: Client, query: str, accept: str, begin: bytes
) -> None:
    answer = client.get(f"/schema{query}", headers={"Accept": accept})

    assert answer.content.startswith(begin)
    assert ("json" in answer["Content-Type"]) == (begin == b"{")


@pytest.mark.parametrize("path", ["/schema", "/docs", "/redoc"])
def test_what_only_reads_refuses_the_rest_in_the_one_shape(client: Client, path: str) -> None:
    answer = client.post(path)

    assert answer.status_code == 405
    assert answer.json()["code"] == "method_not_allowed"


def test_a_page_has_one_form(client: Client) -> None:
    answer = client.get("/docs", headers={"Accept": "application/json"})

    assert (answer.status_code, answer["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_the_schema_is_valid_openapi(schema: dict[str, Any]) -> None:
    validate(schema)


def test_every_operation_documents_the_error_shape(schema: dict[str, Any]) -> None:
    for name, operation in operations(schema):
        refusals = {
            status: operation["responses"][status]
            for status in operation["responses"]
            if status >= "400"
        }
        assert {"401", "406", "503"} <= set(refusals), name
        for answer in refusals.values():
            reference = answer["content"]["application/json"]["schema"]["$ref"]
            assert reference == "#/components/schemas/Error", name
    error = schema["components"]["schemas"]["Error"]
    assert error["required"] == ["code", "message", "errors"]


def test_every_operation_says_how_to_show_who_one_is(schema: dict[str, Any]) -> None:
    known = set(schema["components"]["securitySchemes"])
    assert known == {"tokenAuth", "sensorKey", "cookieAuth"}
    for name, operation in operations(schema):
        if operation["operationId"] == "login":
            assert not operation.get("security"), name
            continue
        offered = {scheme for option in operation["security"] for scheme in option}
        assert offered, name
        assert offered <= known, name
        assert "401" in operation["responses"], name
        assert "403" in operation["responses"], name


def test_the_schema_says_that_sensors_ingest(schema: dict[str, Any]) -> None:
    security = schema["paths"]["/api/v1/events/ingest"]["post"]["security"]

    assert {"sensorKey": []} in security


def test_an_order_is_documented_by_the_names_that_it_may_have(schema: dict[str, Any]) -> None:
    patterns = {
        name: parameter["schema"]["pattern"]
        for name, operation in operations(schema)
        for parameter in operation.get("parameters", [])
        if parameter["name"] == "ordering"
    }
    assert len(patterns) == 5
    for name, pattern in patterns.items():
        for order in ("", "name", "-name", "-created_at, id", "name,"):
            assert re.search(pattern, order), name
        for order in ("nowhere", "--name", "- name", "name id", "name,nowhere", "NAME"):
            assert not re.search(pattern, order), name
        for blank in "\t\x1f\u3000\ufeff":  # what is a space, languages do not agree on
            assert not re.search(pattern, f"{blank}name"), name


def test_operations_are_grouped_by_what_they_are_about(schema: dict[str, Any]) -> None:
    tags = {name: operation["tags"] for name, operation in operations(schema)}

    assert tags["GET /api/v1/config/cameras/{id}"] == ["cameras"]
    assert tags["POST /api/v1/auth/token"] == ["auth"]


def test_the_documented_errors_are_the_real_ones(schema: dict[str, Any], client: Client) -> None:
    body = client.post("/api/v1/auth/token", {}, content_type="application/json").json()
    properties = schema["components"]["schemas"]["Error"]["properties"]

    assert set(body) == set(properties)
    assert set(body["errors"][0]) == set(properties["errors"]["items"]["properties"])


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_pages_name_no_other_host(client: Client, path: str) -> None:
    page = client.get(path).content.decode()

    assert "http://" not in page
    assert "https://" not in page


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium, which is not installed here")
@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_a_browser_on_the_pages_asks_no_other_host(
    live_server: LiveServer, settings: Settings, path: str
) -> None:
    from playwright.sync_api import sync_playwright

    settings.ALLOWED_HOSTS = [HOST]
    base = f"http://{HOST}:{live_server.thread.port}"
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(base + path)
        page.get_by_text("/api/v1/auth/token").first.wait_for(timeout=30_000)
        page.wait_for_load_state("networkidle")
        browser.close()

    foreign = [url for url in asked if not url.startswith((base, "data:", "blob:"))]
    assert foreign == []
    assert f"{base}/schema" in [url.partition("?")[0].rstrip("/") for url in asked]
