"""A small HTTP client that does what a good sensor does: keep the connection, repeat on trouble."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from threading import Event
from typing import Any
from urllib.parse import urlsplit

REPEATED = (429, 503)
LONGEST_WAIT_S = 30.0


class Refused(Exception):
    """The server answered, and not with success."""

    def __init__(self, status: int, body: Any) -> None:
        self.status = status
        reason = body.get("message", body) if isinstance(body, dict) else body
        super().__init__(f"HTTP {status}: {str(reason)[:300]}")


class Stopped(Exception):
    """The player was stopped while it waited to repeat a request."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    repeats: int


class Client:
    """Requests to one server with one credential; for one thread."""

    def __init__(self, url: str, authorization: str, stop: Event) -> None:
        parts = urlsplit(url)
        self.stop, self.authorization = stop, authorization
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self.connection = kind(parts.netloc, timeout=20)

    def _once(
        self, method: str, path: str, body: bytes | None, kind: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        headers = {"Authorization": self.authorization, "Content-Type": kind}
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        return response, response.read()

    def send(
        self, method: str, path: str, body: bytes | None = None, kind: str = "application/json"
    ) -> Answer:
        """Return the answer; repeats while there is no connection or the server is too busy.

        Safe for ingest, as a repeated event carries the same event_id and is stored once.
        """
        repeats = 0
        while True:
            pause = min(LONGEST_WAIT_S, 0.5 * 2.0**repeats)
            try:
                response, raw = self._once(method, path, body, kind)
            except (OSError, http.client.HTTPException):
                self.connection.close()
            else:
                if response.status not in REPEATED:
                    return self._answer(response.status, raw, repeats)
                pause = retry_after(response.getheader("Retry-After"), pause)
            repeats += 1
            if self.stop.wait(pause):
                raise Stopped

    def _answer(self, status: int, raw: bytes, repeats: int) -> Answer:
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = raw[:300].decode(errors="replace")
        if status >= 300:
            raise Refused(status, body)
        return Answer(status, body, repeats)

    def get(self, path: str) -> Any:
        return self.send("GET", path).body

    def post(self, path: str, content: Any) -> Any:
        return self.send("POST", path, json.dumps(content).encode()).body

    def delete(self, path: str) -> None:
        self.send("DELETE", path)

    def close(self) -> None:
        self.connection.close()


def retry_after(header: str | None, otherwise: float) -> float:
    """Return the seconds of a Retry-After header, within reason."""
    try:
        return min(LONGEST_WAIT_S, max(0.0, float(header or "")))
    except ValueError:
        return otherwise


def answers(url: str) -> bool:
    """Whether a server is alive at the address."""
    client = Client(url, "", Event())
    try:
        response, _ = client._once("GET", "/liveness", None, "application/json")
    except (OSError, http.client.HTTPException):
        return False
    finally:
        client.close()
    return response.status == 200
