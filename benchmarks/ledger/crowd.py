"""Thousands of sensors on one epoll: some heed Retry-After, others come back as they like."""

from __future__ import annotations

import heapq
import json
import os
import random
import select
import socket
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime

from load import jpeg

from ledger.edge import INGEST, form

ANSWER_S = 30


@dataclass(frozen=True)
class Told:
    """One answer, or its absence (status 0)."""

    at: float
    status: int
    took_s: float
    retry_after: str
    event_id: str


def value_of(head: bytes, name: bytes) -> str:
    return head.lower().partition(b"\r\n" + name + b":")[2].partition(b"\r\n")[0].strip().decode()


@dataclass
class Pictures:
    frame: bytes = field(default_factory=lambda: jpeg((320, 240), 20_000))
    crop: bytes = field(default_factory=lambda: jpeg((96, 48), 2_000))


class Caller:
    """One event after the other on one connection; each until it is acknowledged."""

    def __init__(self, port: int, key: str, pictures: Pictures, *, heeds: bool) -> None:
        self.port, self.key, self.pictures, self.heeds = port, key, pictures, heeds
        self.socket: socket.socket | None = None
        self.received, self.sent_at = b"", 0.0
        self.new_event()

    def new_event(self) -> None:
        self.event_id = str(uuid.UUID(bytes=os.urandom(16), version=4))
        event = {"event_id": self.event_id, "plate": "AB12 CDE", "confidence": 0.9}
        event |= {"captured_at": datetime.now(UTC).isoformat()}
        body, kind = form(event, {"frame": self.pictures.frame, "crop": self.pictures.crop})
        self.request = (
            f"POST {INGEST} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Api-Key {self.key}\r\n"
            f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    def send(self) -> None:
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_S)
        self.received, self.sent_at = b"", time.monotonic()
        self.socket.sendall(self.request)

    def answer(self) -> Told | None:
        """Read; return the answer once it is whole, or that there is none."""
        assert self.socket is not None  # noqa: S101 - for the type checker
        try:
            data = self.socket.recv(65_536)
        except OSError:
            data = b""
        self.received += data
        head, whole, body = self.received.partition(b"\r\n\r\n")
        if not data:
            return self.told(0, "")
        if not whole or len(body) < int(value_of(head, b"content-length") or 0):
            return None
        told = self.told(int(head[9:12]), value_of(head, b"retry-after"))
        if value_of(head, b"connection") == "close":
            self.close()
        if told.status in {200, 201}:
            assert json.loads(body)["event_id"] == self.event_id  # noqa: S101 - of the right one
            self.new_event()
        return told

    def told(self, status: int, retry_after: str) -> Told:
        now = time.monotonic()
        if not status:
            self.close()
        return Told(now, status, now - self.sent_at, retry_after, self.event_id)

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None


class Crowd:
    """Lets each caller send every so often, or as soon as it has its answer."""

    def __init__(self, callers: list[Caller], pause_s: float, chance: random.Random) -> None:
        self.callers, self.pause_s, self.chance = callers, pause_s, chance
        self.told: list[Told] = []
        self._poll = select.epoll()
        self._busy: dict[int, int] = {}
        spread = [(time.monotonic() + chance.random() * pause_s, n) for n in range(len(callers))]
        self._due = sorted(spread)

    def run(self, seconds: float) -> list[Told]:
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end or (self._busy and now < end + ANSWER_S):
            while self._due and self._due[0][0] <= now < end:
                self._send(heapq.heappop(self._due)[1])
            for number, _ in self._poll.poll(0.005):
                self._take(number)
        for number in self._busy.values():
            self.told.append(self.callers[number].told(0, ""))
        for caller in self.callers:
            caller.close()
        self._poll.close()
        return self.told

    def _send(self, number: int) -> None:
        caller = self.callers[number]
        try:
            caller.send()
        except OSError:
            self._note(number, caller.told(0, ""))
            return
        assert caller.socket is not None  # noqa: S101 - for the type checker
        self._busy[caller.socket.fileno()] = number
        self._poll.register(caller.socket.fileno(), select.EPOLLIN)

    def _take(self, descriptor: int) -> None:
        number = self._busy[descriptor]
        # Before it is closed, or the number could be another's.
        caller = self.callers[number]
        self._poll.unregister(descriptor)
        told = caller.answer()
        if told is None:
            self._poll.register(descriptor, select.EPOLLIN)
            return
        del self._busy[descriptor]
        self._note(number, told)

    def _note(self, number: int, told: Told) -> None:
        self.told.append(told)
        # At its own times, however long an answer takes.
        due = told.at - told.took_s + self.pause_s * self.chance.uniform(0.5, 1.5)
        if self.callers[number].heeds and told.retry_after.isdecimal():
            due = max(due, told.at + float(told.retry_after))
        heapq.heappush(self._due, (due, number))
