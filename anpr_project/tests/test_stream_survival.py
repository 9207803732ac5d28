"""The real processes while clients are cut, Redis is stopped and the stream server is killed."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from anpr_project.tests.databases import own_database
from anpr_project.tests.edge import Edge
from anpr_project.tests.running import Running, running, services
from anpr_project.tests.servers import free_port, start_redis
from anpr_project.tests.test_serve import child

PASSWORD = "correct horse battery"
EVENTS = 200


class Watcher(threading.Thread):
    """A stream client that is cut now and then, and resumes where it was."""

    def __init__(self, url: str, token: str, seed: int) -> None:
        super().__init__(daemon=True)
        self.url, self.token = url, token
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.positions: list[int] = []
        self.event_ids: list[str] = []
        self.cuts = 0
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.is_set():
            try:
                self.watch()
            except (OSError, WebSocketException, EOFError):
                time.sleep(0.1)

    def watch(self) -> None:
        since = self.positions[-1] if self.positions else 0
        headers = {"Authorization": f"Token {self.token}"}
        with connect(f"{self.url}?since={since}", additional_headers=headers) as socket:
            cut_at = time.monotonic() + self.random.uniform(0.3, 2)
            while not self.done.is_set() and time.monotonic() < cut_at:
                try:
                    message = json.loads(socket.recv(timeout=0.2))
                except TimeoutError:
                    continue
                if message["type"] == "event":
                    self.positions.append(message["position"])
                    self.event_ids.append(message["event"]["event_id"])
            self.cuts += 1
            socket.socket.close()


@pytest.fixture
def shape() -> Iterator[dict[str, Any]]:
    with own_database() as name:
        yield services() | {
            "POSTGRES_DB": name,
            "API_WORKERS": "1",
            "STREAM_PORT": str(free_port()),
            "REDIS_PORT": str(free_port()),
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
        }


class Faults:
    """Stops Redis, kills the stream server, and starts Redis again while events are sent."""

    def __init__(self, server: Running, redis_port: int) -> None:
        self.server, self.redis_port = server, redis_port
        self.redis, _ = start_redis(redis_port)

    def stop_redis(self) -> None:
        self.redis.kill()
        self.redis.wait()

    def before(self, number: int) -> None:
        if number == EVENTS // 4:
            self.stop_redis()
        elif number == EVENTS // 2:
            os.kill(child(self.server, "--only stream"), signal.SIGKILL)
        elif number == EVENTS * 3 // 4:
            self.redis, _ = start_redis(self.redis_port)


def send_all(edge: Edge, faults: Faults) -> None:
    for number in range(EVENTS):
        faults.before(number)
        edge.read(f"A{number}")
        time.sleep(0.01)


def wait_until_level(watchers: list[Watcher], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(len(w.positions) < EVENTS for w in watchers):
        time.sleep(0.1)
    for watcher in watchers:
        watcher.done.set()
        watcher.join(5)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL and Redis")
def test_no_watcher_misses_an_event(tmp_path: Path, shape: dict[str, Any]) -> None:
    with running("serve", tmp_path, **shape) as server:
        faults = Faults(server, int(shape["REDIS_PORT"]))
        try:
            server.wait_for("/ready", seconds=90)
            login = {"username": "admin", "password": PASSWORD}
            token = server.post("/api/v1/auth/token", login).json()["token"]
            url = f"ws://127.0.0.1:{shape['STREAM_PORT']}/api/v1/events/stream"
            watchers = [Watcher(url, token, seed) for seed in range(5)]
            for watcher in watchers:
                watcher.start()
            send_all(Edge(server.url, token), faults)
            wait_until_level(watchers)
        finally:
            faults.stop_redis()
    for watcher in watchers:
        assert watcher.positions == list(range(1, EVENTS + 1))
        assert len(set(watcher.event_ids)) == EVENTS
        assert watcher.cuts >= 2
