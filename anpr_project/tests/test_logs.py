"""Log lines: JSON, one request id in each, no query, no secret."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from rest_framework.test import APIClient

from anpr_project.lib.logs import RequestLogMiddleware, logging_config
from anpr_project.tests.running import environment, manage

HOSTILE = [
    "short",
    "x" * 65,
    "with space in it",
    "line\\nbreak-in-it",
    "ümlaut-in-it",
    '{"json": "in it"}',
    "<script>alert(1)",
    "abcdefgh\n",
]


@pytest.fixture
def lines() -> Iterator[Any]:
    """Return a function that gives the log lines written so far, as objects."""
    yield from _captured(readable=False)


@pytest.fixture
def text() -> Iterator[Any]:
    yield from _captured(readable=True)


def _captured(*, readable: bool) -> Iterator[Any]:
    root = logging.getLogger()
    kept = root.handlers[:], root.level
    config = logging_config(level="INFO", readable=readable)
    # The loggers of Django stay as they are; only the output is ours.
    logging.config.dictConfig(config | {"loggers": {}})
    stream = io.StringIO()
    own = root.handlers[-1]
    assert isinstance(own, logging.StreamHandler)
    own.setStream(stream)
    if readable:
        yield stream.getvalue
    else:
        yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level = kept


def access(lines: list[dict[str, Any]]) -> dict[str, Any]:
    return next(line for line in lines if line["event"] == "request")


def test_each_answer_is_one_json_line_without_the_query(client: Client, lines: Any) -> None:
    response = client.get("/liveness?plate=AB12CDE")

    (line,) = lines()
    assert line["event"] == "request"
    assert line["logger"] == "anpr.access"
    assert (line["method"], line["path"], line["status"]) == ("GET", "/liveness", 200)
    assert line["request_id"] == response["X-Request-ID"]
    assert line["duration_ms"] >= 0
    assert line["timestamp"].endswith("Z")
    assert line["level"] == "info"
    assert "AB12CDE" not in json.dumps(line)


def test_a_plain_request_id_of_the_caller_is_kept(client: Client, lines: Any) -> None:
    response = client.get("/liveness", headers={"X-Request-ID": "trace-0001.a_b"})

    assert response["X-Request-ID"] == "trace-0001.a_b"
    assert access(lines())["request_id"] == "trace-0001.a_b"


@pytest.mark.parametrize("given", HOSTILE)
def test_a_hostile_request_id_is_replaced(client: Client, lines: Any, given: str) -> None:
    response = client.get("/liveness", HTTP_X_REQUEST_ID=given)

    assert len(response["X-Request-ID"]) == 32
    assert access(lines())["request_id"] == response["X-Request-ID"]


def test_every_request_has_an_id_of_its_own(client: Client) -> None:
    first, second = client.get("/liveness"), client.get("/liveness")

    assert first["X-Request-ID"] != second["X-Request-ID"]


async def test_the_id_is_the_same_under_asgi(lines: Any) -> None:
    response = await AsyncClient().get("/liveness", headers={"X-Request-ID": "trace-0002"})

    assert response["X-Request-ID"] == "trace-0002"
    assert access(lines())["request_id"] == "trace-0002"


def test_lines_of_the_application_carry_the_id_and_their_fields(lines: Any) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        logging.getLogger("events").warning("event kept", extra={"event_id": 7})
        return HttpResponse()

    request = HttpRequest()
    request.META["HTTP_X_REQUEST_ID"] = "trace-0003"
    RequestLogMiddleware(view)(request)
    logging.getLogger("events").warning("afterwards")

    inside, _, afterwards = lines()
    assert (inside["event"], inside["event_id"]) == ("event kept", 7)
    assert inside["request_id"] == "trace-0003"
    assert "request_id" not in afterwards


def test_an_exception_is_one_line_with_its_traceback(lines: Any) -> None:
    try:
        raise ValueError("bad\nnews")
    except ValueError:
        logging.getLogger("events").exception("dispatch failed")

    (line,) = lines()
    assert line["event"] == "dispatch failed"
    assert line["exception"].startswith("Traceback")
    assert "ValueError: bad\nnews" in line["exception"]


def test_a_failure_of_a_view_is_logged_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch, lines: Any
) -> None:
    def fail(*args: object, **kwargs: object) -> HttpResponse:
        raise RuntimeError("broken")

    monkeypatch.setattr("anpr_project.root.JsonResponse", fail)
    response = Client(raise_request_exception=False).get("/?plate=AB12CDE")

    assert response.status_code == 500
    failure = next(line for line in lines() if "exception" in line)
    assert "RuntimeError: broken" in failure["exception"]
    assert failure["request_id"] == response["X-Request-ID"]
    assert b"broken" not in response.content
    assert "AB12CDE" not in json.dumps(lines())


@pytest.mark.django_db
def test_a_login_leaves_neither_name_nor_password(anonymous: APIClient, lines: Any) -> None:
    anonymous.post("/api/v1/auth/token", {"username": "somebody", "password": "hunter2hunter2"})
    anonymous.get("/api/v1/config/cameras", HTTP_AUTHORIZATION="Token deadbeefdeadbeef")

    written = json.dumps(lines())
    for secret in ("somebody", "hunter2", "deadbeef"):
        assert secret not in written


def test_a_path_cannot_forge_a_line(client: Client, lines: Any) -> None:
    client.get("/a%0a%7b%22event%22%3a%22forged%22%7d")

    assert [line["event"] for line in lines()] == ["request"]


def test_readable_tracebacks_show_no_local_variables(text: Any) -> None:
    password = "hunter2"
    try:
        raise ValueError(len(password))
    except ValueError:
        logging.getLogger("events").exception("dispatch failed", extra={"event_id": 7})

    written = text()
    assert "dispatch failed" in written
    assert "event_id=7" in written
    assert "ValueError: 7" in written
    assert "'hunter2'" not in written


def test_without_info_no_access_line_is_made(client: Client, lines: Any) -> None:
    logging.getLogger("anpr.access").setLevel(logging.WARNING)
    try:
        client.get("/liveness")
    finally:
        logging.getLogger("anpr.access").setLevel(logging.NOTSET)

    assert lines() == []


def test_a_warning_of_python_is_one_json_line_too(tmp_path: Path) -> None:
    code = "import warnings; warnings.warn('first\\nsecond')"
    program = manage("shell", "--no-imports", "-c", code)
    plain = environment(tmp_path, PYTHONWARNINGS="default", DEBUG="0", SECRET_KEY="x" * 60)
    done = subprocess.run(program, env=plain, capture_output=True, text=True, check=True)

    (line,) = [json.loads(line) for line in done.stderr.splitlines() if "first" in line]
    assert line["logger"] == "py.warnings"
    assert "first\nsecond" in line["event"]
