from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from events.simulation.client import Client, Refused, Stopped, answers, retry_after


class Busy(BaseHTTPRequestHandler):
    """Cuts the first request off, is too busy for the second, takes the third."""

    bodies: list[bytes]
    script: list[int]

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        status = self.script.pop(0)
        if status == 0:
            self.connection.close()
            self.close_connection = True
            return
        body = b"<h1>proxy</h1>" if status == 502 else json.dumps({"status": status}).encode()
        self.send_response(status)
        self.send_header("Retry-After", "0.01")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the tests quiet."""


@contextmanager
def server(*script: int) -> Iterator[tuple[str, list[bytes]]]:
    handler = type("Scripted", (Busy,), {"bodies": [], "script": list(script)})
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}", handler.bodies  # type: ignore[attr-defined]
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


def test_the_same_event_is_repeated_until_it_is_taken() -> None:
    with server(503, 429, 201) as (url, bodies):
        client = Client(url, "Api-Key x", Event())
        answer = client.send("POST", "/", b'{"event_id": "1"}')
        client.close()
    assert (answer.status, answer.repeats) == (201, 2)
    assert bodies == [b'{"event_id": "1"}'] * 3


def test_a_lost_connection_is_made_again() -> None:
    with server(0, 201) as (url, bodies):
        client = Client(url, "Api-Key x", Event())
        assert client.send("POST", "/", b"{}").repeats == 1
        client.close()
    assert len(bodies) == 2


@pytest.mark.parametrize("status", [400, 502])
def test_a_refusal_is_not_repeated(status: int) -> None:
    with server(status) as (url, bodies):
        client = Client(url, "Api-Key x", Event())
        with pytest.raises(Refused, match=f"HTTP {status}"):
            client.send("POST", "/", b"{}")
        client.close()
    assert len(bodies) == 1


def test_stopping_ends_the_repeats() -> None:
    stop = Event()
    stop.set()
    with server(503) as (url, _):
        client = Client(url, "Api-Key x", stop)
        with pytest.raises(Stopped):
            client.send("POST", "/", b"{}")
        client.close()


@pytest.mark.parametrize(
    ("header", "seconds"), [("2", 2), ("-1", 0), ("9999", 30), (None, 7), ("soon", 7)]
)
def test_retry_after_is_honoured_within_reason(header: str | None, seconds: float) -> None:
    assert retry_after(header, 7) == seconds


def test_a_server_that_is_none_of_ours_does_not_count() -> None:
    with server() as (url, _):
        assert not answers(url)  # it answers GET with 501
