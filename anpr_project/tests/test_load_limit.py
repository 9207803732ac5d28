"""Too many requests at once: some wait, the rest is told when to come back, health is answered."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from prometheus_client import REGISTRY

from anpr_project import asgi_load_limit, load_limit, wsgi_load_limit
from anpr_project.asgi_load_limit import AsyncLoadLimit
from anpr_project.lib.content_policy import HEADERS
from anpr_project.lib.tests.ports import free_port
from anpr_project.tests.servers import wait_for_port
from anpr_project.wsgi_load_limit import LoadLimit

Communicator: Any = ApplicationCommunicator
Answer = tuple[str, dict[str, str], bytes]


class Work:
    """An application whose requests end when they are let go."""

    def __init__(self) -> None:
        self.go, self.entered = threading.Event(), threading.Semaphore(0)

    def __call__(self, environ: Any, start_response: Callable[..., Any]) -> list[bytes]:
        self.entered.release()
        assert environ["PATH_INFO"] == "/liveness" or self.go.wait(10)
        if environ["PATH_INFO"] == "/fails":
            raise LookupError
        start_response("200 OK", [])
        return [b"done"]


def ask(
    limit: LoadLimit, path: str = "/", body: bytes = b"", length: str | None = None, **more: str
) -> Answer:
    told: list[Any] = []
    environ = {"PATH_INFO": path, "wsgi.input": io.BytesIO(body)} | more
    environ["CONTENT_LENGTH"] = str(len(body)) if length is None else length
    answer = limit(environ, lambda status, headers: told.extend([status, dict(headers)]))
    content = b"".join(answer)
    if not isinstance(answer, list):
        answer.close()  # type: ignore[attr-defined]
    return told[0], told[1], content


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def limit(work: Work, monkeypatch: pytest.MonkeyPatch) -> LoadLimit:
    monkeypatch.setattr(wsgi_load_limit, "SEATS", 1)
    return LoadLimit(work, places=1)


@pytest.fixture
def full(limit: LoadLimit, work: Work) -> Iterator[ThreadPoolExecutor]:
    """One request is in work, and one waits."""
    with ThreadPoolExecutor() as pool:
        first = pool.submit(ask, limit)
        work.entered.acquire()
        second = pool.submit(ask, limit)
        while not limit.room._waiting:
            pass
        yield pool
        work.go.set()
        assert first.result()[2] == second.result()[2] == b"done"


def shed() -> float:
    return REGISTRY.get_sample_value("anpr_requests_shed_total") or 0


def test_who_finds_no_seat_is_told_when_to_come_back(limit: LoadLimit, full: Any) -> None:
    before = shed()
    answers = [ask(limit, body=b"x" * 200_000) for _ in range(100)]

    assert {status for status, _, _ in answers} == {"503 Service Unavailable"}
    waits = {int(headers["Retry-After"]) for _, headers, _ in answers}
    assert waits <= set(range(2, 11))
    assert len(waits) > 3
    _, headers, content = answers[0]
    assert json.loads(content)["code"] == "overloaded"
    assert json.loads(content)["errors"] == []
    assert HEADERS.items() <= headers.items()
    assert "Connection" not in headers
    assert shed() == before + 100


def test_a_person_gets_a_page_that_tries_again_by_itself(limit: LoadLimit, full: Any) -> None:
    _, headers, content = ask(limit, "/search", HTTP_ACCEPT="text/html,*/*;q=0.8")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Refresh"] == headers["Retry-After"]
    assert int(headers["Content-Length"]) == len(content)
    assert b"tries again by itself" in content
    # Whole by itself: what it would ask for is turned away as well.
    assert b"src=" not in content
    assert b"href=" not in content
    _, headers, _ = ask(limit, "/api/v1/events", HTTP_ACCEPT="text/html")
    assert headers["Content-Type"] == "application/json"


def test_what_is_turned_away_is_told_once_in_a_while(
    limit: LoadLimit, full: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(load_limit.tally, "_told_at", -1e9)
    for _ in range(3):
        ask(limit)
    assert [record.message for record in caplog.records] == ["requests turned away"]


@pytest.mark.parametrize(
    "more",
    [
        {"length": str(wsgi_load_limit.DRAIN_BYTES + 1)},
        {"length": "", "HTTP_TRANSFER_ENCODING": "chunked"},
        {"length": "many"},
        {"length": "5", "body": b"cut"},
    ],
)
def test_a_body_that_is_not_read_ends_the_connection(
    limit: LoadLimit, full: Any, more: dict[str, Any]
) -> None:
    status, headers, _ = ask(limit, **more)
    assert status.startswith("503")
    assert headers["Connection"] == "close"


def test_slow_bodies_hold_only_so_many_threads(limit: LoadLimit, full: Any) -> None:
    for _ in range(wsgi_load_limit.DRAINERS):
        limit._drainers.acquire()
    assert ask(limit, body=b"x" * (wsgi_load_limit.LEFT_BYTES + 1))[1]["Connection"] == "close"
    assert "Connection" not in ask(limit, body=b"x" * wsgi_load_limit.LEFT_BYTES)[1]


def test_the_server_drops_a_small_body_and_keeps_the_connection() -> None:
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port)]
    server = subprocess.Popen([*command, "anpr_project.tests.full_house:application"])
    body = b"x" * (wsgi_load_limit.LEFT_BYTES - 1024)
    request = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    kept = 0
    try:
        wait_for_port(port)
        for _ in range(10):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
                for _ in range(10):
                    connection.sendall(request)
                    response = HTTPResponse(connection, method="POST")
                    response.begin()
                    with response:
                        assert (response.status, response.read()) == (503, load_limit.CONTENT)
                    if response.will_close:  # not all of it had arrived
                        break
                    kept += 1
    finally:
        server.terminate()
        server.wait(10)
    assert kept >= 20


def test_health_is_answered_while_all_places_are_taken(limit: LoadLimit, full: Any) -> None:
    assert ask(limit, "/liveness")[0] == "200 OK"


def test_who_waits_too_long_is_turned_away_and_leaves_the_seat(
    limit: LoadLimit, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_limit, "PATIENCE_S", 0.01)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(ask, limit)
        work.entered.acquire()
        assert [ask(limit)[0][:3] for _ in range(3)] == ["503"] * 3
        work.go.set()
        assert first.result()[0] == "200 OK"
    assert ask(limit)[0] == "200 OK"


def test_a_failure_and_a_forgotten_answer_give_their_places_back(
    limit: LoadLimit, work: Work
) -> None:
    work.go.set()
    for _ in range(3):
        with pytest.raises(LookupError):
            ask(limit, "/fails")
        limit({"PATH_INFO": "/"}, lambda *_: None)
    assert ask(limit)[2] == b"done"


def test_a_place_given_in_the_last_moment_is_not_lost(limit: LoadLimit) -> None:
    assert limit.room._was_given(threading.Lock())


async def test_the_embedded_shape_has_the_same_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi_load_limit, "SEATS", 1)
    monkeypatch.setattr(asgi_load_limit, "PATIENCE_S", 0.2)
    go = asyncio.Event()

    async def work(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/":
            await go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    limit = AsyncLoadLimit(work, places=1)

    def started(path: str = "/") -> Any:
        return Communicator(limit, {"type": "http", "path": path, "headers": []})

    async def status(one: Any) -> int:
        start = await one.receive_output(5)
        if start["status"] == 503:
            assert 2 <= int(dict(start["headers"])[b"retry-after"]) <= 10
            await one.send_input({"type": "http.request", "body": b"rest"})
        return int(start["status"])

    first, second = started(), started()
    for one in (first, second):
        await one.send_input({"type": "http.request", "body": b"x"})
    assert await status(started("/liveness")) == 200
    assert await status(started()) == 503
    # Who waited too long is turned away; who is gone leaves the seat; the next one gets the place.
    assert await status(second) == 503
    gone, last = started(), started()
    await gone.send_input({"type": "http.request"})
    await asyncio.sleep(0.01)
    gone.stop(exceptions=False)
    await asyncio.sleep(0.01)
    await last.send_input({"type": "http.request"})
    await asyncio.sleep(0.01)
    go.set()
    assert await status(first) == await status(last) == 200
    assert limit.room._free == 1


class WholeOrStreamed(list[bytes]):
    """An answer of Django, as far as the limit looks."""

    def __init__(self, *, streaming: bool) -> None:
        super().__init__([b"one, ", b"two"])
        self.streaming, self.is_closed = streaming, False

    def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize("streaming", [False, True])
def test_a_whole_answer_is_sent_in_one_go_and_a_streamed_one_keeps_its_place(
    streaming: bool,
) -> None:
    inner = WholeOrStreamed(streaming=streaming)
    limit = LoadLimit(lambda environ, start_response: inner, places=1)
    answer = limit({"PATH_INFO": "/"}, lambda status, headers: None)
    assert isinstance(answer, list) is inner.is_closed is not streaming
    assert b"".join(answer) == b"one, two"
    assert limit.room.enter() is not streaming
