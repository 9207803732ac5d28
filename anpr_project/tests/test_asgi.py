from __future__ import annotations

import json
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.testing import WebsocketCommunicator

from anpr_project.asgi import application
from anpr_project.body_limit import MAX_BODY_BYTES
from anpr_project.lib.content_policy import HEADERS

# The communicator has no annotations.
Communicator: Any = ApplicationCommunicator
MEGABYTE = b"x" * 1024 * 1024


def http(path: str, **headers: str) -> Any:
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"host", b"localhost"),
            *((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()),
        ],
    }
    return Communicator(application, scope)


async def answer(communicator: Any) -> tuple[int, dict[bytes, bytes], Any]:
    start = await communicator.receive_output(5)
    body = b""
    while True:
        message = await communicator.receive_output(5)
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    await communicator.wait(5)
    return start["status"], dict(start["headers"]), json.loads(body)


async def test_body_declared_too_large_is_refused_before_it_is_sent() -> None:
    communicator = http("/api/v1/events/ingest", content_length=str(MAX_BODY_BYTES + 1))
    start = await communicator.receive_output(5)
    assert start["status"] == 413
    await communicator.send_input({"type": "http.disconnect"})
    body = await communicator.receive_output(5)
    problem = json.loads(body["body"])
    assert problem["code"] == "too_large"
    assert problem["errors"] == []
    await communicator.wait(5)


async def test_body_that_grows_too_large_without_a_declared_length_is_refused() -> None:
    communicator = http("/api/v1/events/ingest")
    for _ in range(17):
        message = {"type": "http.request", "body": MEGABYTE, "more_body": True}
        await communicator.send_input(message)
    await communicator.send_input({"type": "http.request", "body": b"", "more_body": False})
    status, headers, problem = await answer(communicator)
    assert status == 413
    assert headers[b"connection"] == b"close"
    assert {name.lower().encode() for name in HEADERS} <= headers.keys()
    assert problem["code"] == "too_large"


async def test_client_that_goes_on_sending_is_read_only_so_far(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("anpr_project.body_limit.DRAIN_BYTES", len(MEGABYTE))
    communicator = http("/", content_length=str(10**12))
    for _ in range(3):
        message = {"type": "http.request", "body": MEGABYTE, "more_body": True}
        await communicator.send_input(message)
    assert (await answer(communicator))[0] == 413


async def test_client_that_stops_sending_is_waited_for_only_so_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("anpr_project.body_limit.DRAIN_S", 0.05)
    communicator = http("/", content_length=str(10**12))
    assert (await answer(communicator))[0] == 413


@pytest.mark.django_db(transaction=True)
async def test_body_of_the_largest_size_reaches_the_application() -> None:
    communicator = http("/nowhere", content_length=str(MAX_BODY_BYTES))
    for left in reversed(range(16)):
        message = {"type": "http.request", "body": MEGABYTE, "more_body": left > 0}
        await communicator.send_input(message)
    status, _, problem = await answer(communicator)
    assert (status, problem["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/", "/api/v1/events/streams", "/ws\x00"])
async def test_unknown_socket_is_refused_without_an_error(path: str) -> None:
    communicator = WebsocketCommunicator(application, path)
    connected, code = await communicator.connect()
    assert (connected, code) == (False, 4404)


async def test_start_and_stop_of_the_server_are_answered() -> None:
    communicator = Communicator(application, {"type": "lifespan"})
    for phase in ("startup", "shutdown"):
        await communicator.send_input({"type": f"lifespan.{phase}"})
        assert await communicator.receive_output(5) == {"type": f"lifespan.{phase}.complete"}
    await communicator.wait(5)
