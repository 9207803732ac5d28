"""Simulated sensors: each event has an id for life, and is sent until its fate is known."""

from __future__ import annotations

import hashlib
import json
import random
import struct
import threading
import time
import uuid
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from typing import Any

from ledger.book import Book, Entry

INGEST = "/api/v1/events/ingest"
BATCH = "/api/v1/events/ingest/batch"
BATCH_SIZE = 20
STORED = {200, 201}
# Not now; whether it was stored is unknown after some of them, so it is sent again.
LATER = {None, 408, 429, 502, 503, 504, 507}
TIMEOUT_S = 6
Answer = tuple[int | None, bytes]


def picture(chance: random.Random, most: int) -> bytes:
    """Return a PNG of noise, different for each event."""
    width, height = chance.randint(8, most), chance.randint(8, most)
    rows = b"".join(b"\0" + chance.randbytes(width * 3) for _ in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def form(event: dict[str, Any], pictures: dict[str, bytes]) -> tuple[bytes, str]:
    """Return a multipart body and its content type."""
    boundary = uuid.uuid4().hex
    parts = [("event", "application/json", json.dumps(event).encode())]
    parts += [(f'{name}"; filename="x.png', "image/png", data) for name, data in pictures.items()]
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n'
        f"Content-Type: {kind}\r\n\r\n".encode()
        + data
        + b"\r\n"
        for name, kind, data in parts
    )
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def post(port: int, path: str, body: bytes, headers: dict[str, str]) -> Answer:
    """Return status and body; status None when nobody can tell what became of the request."""
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("POST", path, body, headers | {"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, HTTPException):
        return None, b""
    finally:
        connection.close()


class Allowance:
    """How many events all sensors together still have to send."""

    def __init__(self, events: int) -> None:
        self.left = events
        self.used_up = threading.Event()
        self._lock = threading.Lock()

    def take(self, count: int) -> int:
        with self._lock:
            taken = min(count, self.left)
            self.left -= taken
        if not taken:
            self.used_up.set()
        return taken


@dataclass
class Habits:
    """How often a sensor does what, as shares of its events."""

    without_picture: float = 0.2
    # Gives up after an unknown outcome, as a sensor does that loses its power.
    gives_up: float = 0.03
    sends_again: float = 0.02
    sends_other_content: float = 0.02
    # The longest side of a frame.
    most_pixels: int = 96


class Sensor(threading.Thread):
    """Sends one event after the other, at a mean pace, until the allowance is used up."""

    def __init__(
        self,
        *,
        number: int,
        key: str,
        port: int,
        book: Book,
        allowance: Allowance,
        chance: random.Random,
        pause_s: float,
        direct: bool = False,
        habits: Habits | None = None,
    ) -> None:
        super().__init__(name=f"sensor {number}", daemon=True)
        self.number, self.port, self.book, self.allowance = number, port, book, allowance
        self.chance, self.pause_s, self.direct = chance, pause_s, direct
        self.habits = habits or Habits()
        self.headers = {"Authorization": f"Api-Key {key}"}

    def run(self) -> None:
        while self.allowance.take(1):
            self.send_one()
            time.sleep(self.chance.expovariate(1 / self.pause_s))

    def new_event(self) -> dict[str, Any]:
        return {
            "event_id": str(uuid.UUID(int=self.chance.getrandbits(128), version=4)),
            "plate": "".join(self.chance.choices("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", k=7)),
            "confidence": round(self.chance.random(), 3),
            "captured_at": datetime.now(UTC).isoformat(),
        }

    def new_entry(self, event: dict[str, Any], pictures: dict[str, bytes]) -> Entry:
        hashes = {name: hashlib.sha256(data).hexdigest() for name, data in pictures.items()}
        return Entry(
            str(event["event_id"]),
            self.number,
            frame=hashes.get("frame", ""),
            crop=hashes.get("crop", ""),
            sent_at=time.monotonic(),
            direct=self.direct,
        )

    def send_one(self) -> None:
        event, pictures = self.new_event(), dict[str, bytes]()
        if self.chance.random() >= self.habits.without_picture:
            pictures = {
                "frame": picture(self.chance, self.habits.most_pixels),
                "crop": picture(self.chance, 24),
            }
        entry = self.new_entry(event, pictures)
        self.book.write(entry)
        self.deliver(entry, *form(event, pictures))
        if entry.outcome == "ok":
            self.provoke(entry, event, pictures)
        self.book.write(entry)

    def deliver(self, entry: Entry, body: bytes, content_type: str) -> None:
        """Send until the outcome is known, or give up."""
        headers = self.headers | {"Content-Type": content_type}
        patience = 1 if self.chance.random() < self.habits.gives_up else 10_000
        pause_s = 0.05
        for _ in range(patience):
            entry.attempts += 1
            entry.tried_at = time.monotonic()
            entry.status, answer = post(self.port, INGEST, body, headers)
            if entry.status in STORED:
                entry.outcome, entry.id = "ok", json.loads(answer)["id"]
                entry.acked_at = time.monotonic()
                return
            if entry.status not in LATER:
                entry.outcome = "refused"
                return
            time.sleep(pause_s * self.chance.uniform(0.5, 1.5))
            pause_s = min(pause_s * 2, 1.0)

    def provoke(self, entry: Entry, event: dict[str, Any], pictures: dict[str, bytes]) -> None:
        """Send some acknowledged events once more: as they were, or with another plate."""
        dice = self.chance.random()
        if dice < self.habits.sends_again:
            status, answer = self.until_told(form(event, pictures))
            entry.again = [status, json.loads(answer).get("id")]
        elif dice < self.habits.sends_again + self.habits.sends_other_content:
            other = event | {"plate": "OTHER1"}
            entry.conflict, _ = self.until_told(form(other, pictures))

    def until_told(self, request: tuple[bytes, str]) -> Answer:
        body, content_type = request
        while True:
            headers = self.headers | {"Content-Type": content_type}
            status, answer = post(self.port, INGEST, body, headers)
            if status not in LATER:
                return status, answer
            time.sleep(0.5)


class BatchSensor(Sensor):
    """Was out of reach for a while, and sends its events without pictures in batches."""

    def run(self) -> None:
        while taken := self.allowance.take(BATCH_SIZE):
            self.send_batch([self.new_event() for _ in range(taken)])
            time.sleep(self.chance.expovariate(1 / (self.pause_s * taken)))

    def send_batch(self, events: list[dict[str, Any]]) -> None:
        entries = [self.new_entry(event, {}) for event in events]
        for entry in entries:
            self.book.write(entry)
        headers = self.headers | {"Content-Type": "application/json"}
        status: int | None = None
        while status in LATER:
            tried_at = time.monotonic()
            status, answer = post(self.port, BATCH, json.dumps(events).encode(), headers)
            for entry in entries:
                entry.attempts += 1
                entry.tried_at = tried_at
            if status in LATER:
                time.sleep(0.5)
        results = json.loads(answer) if status == 200 else [{"status": status}] * len(entries)
        for entry, result in zip(entries, results, strict=True):
            self.note(entry, result)

    def note(self, entry: Entry, result: dict[str, Any]) -> None:
        entry.status, entry.id = result["status"], result.get("id")
        entry.outcome = "ok" if entry.status in STORED else "refused"
        entry.acked_at = time.monotonic()
        self.book.write(entry)
