"""The real processes while clients are cut, Redis is stopped and the stream server is killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from anpr_project.lib.tests.ports import free_port
from anpr_project.tests.databases import own_database
from anpr_project.tests.edge import Edge
from anpr_project.tests.running import Running, running, services
from anpr_project.tests.servers import start_redis
from anpr_project.tests.test_serve import child
from anpr_project.tests.watcher import Watcher, wait_until_level

PASSWORD = "correct horse battery"
EVENTS = 200


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
            os.kill(child(self.server, "anpr_project.stream"), signal.SIGKILL)
        elif number == EVENTS * 3 // 4:
            self.redis, _ = start_redis(self.redis_port)


def send_all(edge: Edge, faults: Faults) -> None:
    for number in range(EVENTS):
        faults.before(number)
        edge.read(f"A{number}")
        time.sleep(0.01)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL and Redis")
def test_no_watcher_misses_an_event(tmp_path: Path, shape: dict[str, Any]) -> None:
    with running("serve", tmp_path, **shape) as server:
        faults = Faults(server, int(shape["REDIS_PORT"]))
        try:
            server.wait_for("/ready")
            login = {"username": "admin", "password": PASSWORD}
            token = server.post("/api/v1/auth/token", login).json()["token"]
            watchers = [Watcher([server.stream_url], token, seed) for seed in range(5)]
            for watcher in watchers:
                watcher.start()
            send_all(Edge(server.url, token), faults)
            wait_until_level(watchers, EVENTS)
        finally:
            faults.stop_redis()
    for watcher in watchers:
        assert watcher.positions == list(range(1, EVENTS + 1))
        assert len(set(watcher.event_ids)) == EVENTS
        assert watcher.cuts >= 2
