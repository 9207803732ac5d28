"""A lean load generator: blocking writes, one epoll for the answers, bodies made before the start.

A third of what an HTTP client library would cost, so that the client does not become what is measured.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import select
import socket
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from PIL import Image

BOUNDARY = "benchmark-boundary"
FRAME_BYTES, CROP_BYTES = 127_000, 4_000
PLATE_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"


def jpeg(size: tuple[int, int], most_bytes: int) -> bytes:
    """Return the largest picture of noise that has no more bytes."""
    noise = Image.effect_noise(size, 40)
    best = b""
    for quality in range(1, 96):
        file = io.BytesIO()
        noise.save(file, "JPEG", quality=quality)
        if len(file.getvalue()) > most_bytes:
            break
        best = file.getvalue()
    return best


def event_of(number: int, camera: int) -> bytes:
    """Return an event as a sensor sends it; all have the same length."""
    letters = "".join(PLATE_LETTERS[number // 23**power % 23] for power in range(3))
    event = {
        "event_id": str(uuid.UUID(bytes=os.urandom(16), version=4)),
        "plate": f"AB{number % 100:02} {letters}",
        "confidence": 0.93,
        "camera": camera,
        "captured_at": datetime.now(UTC).isoformat(timespec="microseconds"),
        "vehicle": {"type": "car", "make": "VW", "model": "Golf", "color": "blue"},
        "tpms": [],
    }
    return json.dumps(event).encode()


def _part(name: str, data: bytes) -> bytes:
    head = (
        f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; '
        f'filename="{name}.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    )
    return head.encode() + data


@dataclass
class Requests:
    """Endless requests of one kind: a form, with pictures or without, JSON, or a batch of so many.

    Each comes as the two pieces that are written: its own, and the rest.
    """

    path: str
    camera: int
    authorization: str = ""
    frame: bytes = b""
    crop: bytes = b""
    is_form: bool = True
    batch: int = 0
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.tail, self.content_type = b"", "application/json"
        if self.is_form:
            self.content_type = f"multipart/form-data; boundary={BOUNDARY}"
            pictures = {"frame": self.frame, "crop": self.crop}
            self.tail = b"".join(_part(name, data) for name, data in pictures.items() if data)
            self.tail += f"\r\n--{BOUNDARY}--\r\n".encode()

    def body(self) -> bytes:
        events = [event_of(next(self.numbers), self.camera) for _ in range(self.batch or 1)]
        if self.batch:
            return b"[" + b",".join(events) + b"]"
        if not self.is_form:
            return events[0]
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="event"\r\n\r\n'
        return head.encode() + events[0]

    def next(self) -> tuple[bytes, bytes]:
        body = self.body()
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {self.content_type}\r\n"
            f"Content-Length: {len(body) + len(self.tail)}\r\n"
        )
        if self.authorization:
            head += f"Authorization: {self.authorization}\r\n"
        return head.encode() + b"\r\n" + body, self.tail


@dataclass
class Loaded:
    """What came of a run."""

    events: int = 0
    refused: int = 0
    seconds: float = 0.0
    client_cpu_s: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.events / self.seconds


class Connection:
    """One request after the other on one socket."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Room for a whole request: then a write never waits for the server.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1024 * 1024)
        self.received = b""
        self.sent_at = 0.0

    def send(self, pieces: tuple[bytes, bytes]) -> None:
        self.sent_at = time.perf_counter()
        sent = self.socket.sendmsg(pieces)
        if sent < sum(map(len, pieces)):
            self.socket.sendall(b"".join(pieces)[sent:])

    def status(self) -> int | None:
        """Read; return the status once the answer is complete."""
        data = self.socket.recv(262_144)
        if not data:
            raise ConnectionError("the server closed the connection")
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end:
            return None
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if len(body) < int(length or 0):
            return None
        self.received = b""
        return int(head[9:12])


def _take(connection: Connection, result: Loaded, events: int) -> bool:
    """Read what has come; return whether the answer is complete, and then counted."""
    status = connection.status()
    if status is None:
        return False
    result.latencies_ms.append((time.perf_counter() - connection.sent_at) * 1000)
    if status in {200, 201}:
        result.events += events
    else:
        result.refused += 1
    return True


def run(port: int, requests: Requests, *, connections: int, seconds: float) -> Loaded:
    """Keep so many requests under way for so long; the last ones are waited for."""
    made = [Connection(port) for _ in range(connections)]
    poll = select.epoll()
    by_number = {connection.socket.fileno(): connection for connection in made}
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    result, cpu, begun = Loaded(), time.process_time(), time.perf_counter()
    for connection in made:
        connection.send(requests.next())
    under_way = len(made)
    while under_way:
        for number, _ in poll.poll(60):
            if not _take(by_number[number], result, requests.batch or 1):
                continue
            if time.perf_counter() - begun < seconds:
                by_number[number].send(requests.next())
            else:
                under_way -= 1
    result.seconds = time.perf_counter() - begun
    result.client_cpu_s = time.process_time() - cpu
    for connection in made:
        connection.socket.close()
    poll.close()
    return result
