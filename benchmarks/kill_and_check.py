#!/usr/bin/env python3
"""Kills the whole product with SIGKILL while sensors send, starts it again, and looks for what is missing.

    kill_and_check.py [--rounds 20] [--seed N] [--sensors 8] [--shape run|serve] [--control]

Every sensor sends events with a picture, one after the other, and repeats each until it is acknowledged, as a real one does. After
each crash: every acknowledged event must be there once, under the id it was acknowledged with, with its picture byte for byte; a
reader of the stream that resumes must get each stored event once, in order; and nothing may be there that was never sent. `--control` damages the evidence on purpose: the check must find it.
Standard library only (`--shape serve` also starts the PostgreSQL and Redis of the tests). Exit status 0 when all holds.
"""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import signal
import struct
import sys
import tempfile
import threading
import time
import uuid
import zlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from product import PASSWORD, Server, Stream, free_port, services


def picture(rng: random.Random) -> bytes:
    """Return a PNG of noise, different for each event."""
    width, height = rng.randint(8, 96), rng.randint(8, 64)
    rows = b"".join(b"\0" + rng.randbytes(width * 3) for _ in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def form(event: dict[str, Any], frame: bytes) -> tuple[bytes, str]:
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="event"\r\nContent-Type: application/json\r\n\r\n'
    middle = f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="frame"; filename="f.png"\r\nContent-Type: image/png\r\n\r\n'
    body = head.encode() + json.dumps(event).encode() + middle.encode() + frame
    return body + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


@dataclass
class Sent:
    """What a sensor knows of one event."""

    event_id: str
    sha256: str
    sensor: int
    id: int | None = None
    attempts: int = 0


@dataclass
class Sensor:
    server: Server
    id: int
    key: str
    rng: random.Random
    stop: threading.Event
    ledger: list[Sent] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Send until told to stop, but never give up an event that is not acknowledged."""
        while not self.stop.is_set():
            frame = picture(self.rng)
            event = {
                "event_id": str(uuid.UUID(int=self.rng.getrandbits(128), version=4)),
                "plate": "".join(self.rng.choices("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", k=7)),
                "confidence": round(self.rng.random(), 3),
                "captured_at": datetime.now(UTC).isoformat(),
            }
            sent = Sent(str(event["event_id"]), hashlib.sha256(frame).hexdigest(), self.id)
            self.ledger.append(sent)
            self.deliver(sent, *form(event, frame))

    def deliver(self, sent: Sent, body: bytes, content_type: str) -> None:
        headers = {"Authorization": f"Api-Key {self.key}", "Content-Type": content_type}
        pause = 0.05
        while True:
            sent.attempts += 1
            status, answer = self.server.call("POST", "/api/v1/events/ingest", body, headers)
            if status in {200, 201}:
                sent.id = json.loads(answer)["id"]
                return
            if status not in {0, 429, 502, 503, 507}:
                self.surprises.append(f"{sent.event_id}: {status} {answer[:200]!r}")
                return
            time.sleep(pause * self.rng.uniform(0.5, 1.5))
            pause = min(pause * 2, 1.0)


class Check:
    def __init__(self, server: Server, sensors: list[Sensor], token: str) -> None:
        self.server, self.sensors = server, sensors
        self.headers = {"Authorization": f"Token {token}"}
        self.checked: set[str] = set()
        self.streamed: set[str] = set()
        self.position = 0

    def stored(self) -> list[dict[str, Any]]:
        """Every event of every sensor, by the pages of the API."""
        rows: list[dict[str, Any]] = []
        for sensor in self.sensors:
            page: str | None = f"/api/v1/events?sensor={sensor.id}&limit=500"
            while page:
                answer = self.server.json("GET", page, **self.headers)
                rows += answer["results"]
                following = answer["next"]
                page = following and following.replace(self.server.url, "")
        return rows

    def problems(self) -> list[str]:
        rows = self.stored()
        ledger = {sent.event_id: sent for sensor in self.sensors for sent in sensor.ledger}
        times = Counter(row["event_id"] for row in rows)
        by_event = {row["event_id"]: row for row in rows}
        found = [f"surprise: {text}" for sensor in self.sensors for text in sensor.surprises]
        found += [f"doubled: {name} is there {n} times" for name, n in times.items() if n > 1]
        found += [f"never sent: {name}" for name in times.keys() - ledger.keys()]
        for sent in ledger.values():
            if sent.id is not None:
                found += self.problems_of(sent, by_event.get(sent.event_id))
        return found + self.problems_of_stream(set(by_event))

    def problems_of_stream(self, stored: set[str]) -> list[str]:
        """Resume the stream where the last check left it: each stored event, once, in order."""
        found: list[str] = []
        stream = Stream(self.server.stream_port, self.position, **self.headers)
        try:
            for message in stream.messages():
                if message["type"] == "event":
                    name, position = message["event"]["event_id"], message["position"]
                    if position <= self.position or name in self.streamed:
                        found.append(f"stream: {name} at {position} is out of order or repeated")
                    self.position = position
                    self.streamed.add(name)
                if stored <= self.streamed:
                    return found
        except TimeoutError:
            pass
        finally:
            stream.close()
        return found + [f"stream: {name} never came" for name in stored - self.streamed]

    def problems_of(self, sent: Sent, row: dict[str, Any] | None) -> list[str]:
        if row is None:
            return [f"LOST: {sent.event_id}, acknowledged as {sent.id}"]
        if row["id"] != sent.id or row["sensor"] != sent.sensor:
            return [f"changed: {sent.event_id} was {sent.id}, is {row['id']}"]
        if sent.event_id in self.checked:
            return []
        path = f"/api/v1/events/{sent.id}/frame?original=1"
        status, content = self.server.call("GET", path, None, self.headers)
        if status != 200 or hashlib.sha256(content).hexdigest() != sent.sha256:
            return [f"PICTURE of {sent.event_id}: {status}, {len(content)} bytes, not as sent"]
        self.checked.add(sent.event_id)
        return []


def make_sensors(server: Server, token: str, count: int, seed: int) -> list[Sensor]:
    headers = {"Authorization": f"Token {token}"}
    sensors = []
    for number in range(count):
        body = {"name": f"kill-and-check-{number}"}
        made = server.json("POST", "/api/v1/config/sensors", body, **headers)
        keys = f"/api/v1/config/sensors/{made['id']}/keys"
        key = server.json("POST", keys, {}, **headers)["key"]
        rng = random.Random(f"{seed} {number}")  # noqa: S311 - must be repeatable
        sensors.append(Sensor(server, made["id"], key, rng, threading.Event()))
    return sensors


def one_round(server: Server, sensors: list[Sensor], delay: float) -> tuple[int, float]:
    """Let them send, crash after `delay`, start again; return processes killed and start time."""
    threads = [threading.Thread(target=sensor.run) for sensor in sensors]
    for sensor, thread in zip(sensors, threads, strict=True):
        sensor.stop.clear()
        thread.start()
    time.sleep(delay)
    killed = server.kill()
    took = server.start()
    for sensor in sensors:
        sensor.stop.set()
    for thread in threads:
        thread.join()
    return killed, took


def damage(server: Server, sensors: list[Sensor]) -> None:
    """For --control: one acknowledgement of an event that never was, and one bit of one picture."""
    sensors[0].ledger.append(Sent(str(uuid.uuid4()), "", sensors[0].id, id=10**9))
    files = [path for path in (server.folder / "var" / "uploads").rglob("*") if path.is_file()]
    newest = max(files, key=lambda path: path.stat().st_mtime)
    content = bytearray(newest.read_bytes())
    content[-1] ^= 1
    newest.write_bytes(content)


def rounds(server: Server, options: argparse.Namespace) -> int:
    """Run them all; return how many problems there were."""
    rng = random.Random(options.seed)  # noqa: S311 - must be repeatable
    server.start()
    login = {"username": "admin", "password": PASSWORD}
    token = server.json("POST", "/api/v1/auth/token", login)["token"]
    sensors = make_sensors(server, token, options.sensors, options.seed)
    check, total = Check(server, sensors, token), 0
    for number in range(1, options.rounds + 1):
        before = sum(len(sensor.ledger) for sensor in sensors)
        killed, took = one_round(server, sensors, rng.uniform(0.3, 3.0))
        if options.control:
            damage(server, sensors)
        problems = check.problems()
        new = [sent for sensor in sensors for sent in sensor.ledger][before:]
        sent = sum(len(sensor.ledger) for sensor in sensors)
        again = sum(entry.attempts > 1 for sensor in sensors for entry in sensor.ledger)
        total += len(problems)
        print(
            f"round {number:3}: {killed} processes killed, ready again in {took:.1f} s, "
            f"{len(new)} events, {sent} in all, {again} of them sent more than once, "
            f"{len(problems)} problems",
            flush=True,
        )
        for problem in problems[:20]:
            print(f"    {problem}", flush=True)
    acknowledged = sum(sent.id is not None for sensor in sensors for sent in sensor.ledger)
    print(f"{options.rounds} rounds, {acknowledged} events acknowledged, {total} problems")
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--sensors", type=int, default=8)
    parser.add_argument("--shape", choices=["run", "serve"], default="run")
    parser.add_argument("--control", action="store_true", help="the check must find the damage")
    options = parser.parse_args()
    print(f"seed {options.seed}, shape {options.shape}")
    folder = Path(tempfile.mkdtemp(prefix="kill-and-check-"))
    extra, started = services(folder) if options.shape == "serve" else ({}, [])
    server = Server(options.shape, folder, free_port(), extra)
    try:
        problems = rounds(server, options)
    finally:
        if server.process is not None:
            server.kill()
        for process in started:
            process.send_signal(signal.SIGINT)
            process.wait()
    failed = (problems < 2 * options.rounds) if options.control else bool(problems)
    if failed:
        print(f"the data and the log of the server are kept in {folder}")
    else:
        shutil.rmtree(folder)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
