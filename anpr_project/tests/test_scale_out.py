"""Two whole sets of production processes over one database, one Redis and one object storage."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection

from anpr_project.lib.tests.ports import free_port
from anpr_project.tests.databases import own_database
from anpr_project.tests.edge import Edge
from anpr_project.tests.running import Running, running, services
from anpr_project.tests.test_serve import children, eventually
from anpr_project.tests.watcher import Watcher, wait_until_level
from events.tests.factories import picture
from events.tests.object_storage import CREDENTIALS, object_storage
from exporters.tests.sinks import Sink

PASSWORD = "correct horse battery"
BUCKET = "pictures"
EVENTS = 120
pytestmark = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="needs PostgreSQL and Redis"
)


@pytest.fixture
def storage() -> Iterator[tuple[str, Any]]:
    with object_storage(BUCKET) as (url, client):
        yield url, client


@pytest.fixture
def sets(tmp_path: Path, storage: tuple[str, Any]) -> Iterator[list[Running]]:
    """Two sets as on two machines: nothing in common but the three services and the keys."""
    with own_database() as name, ExitStack() as stack:
        shared = services() | {
            "POSTGRES_DB": name,
            "API_WORKERS": "1",
            "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            "EXPORT_ALLOW_NETWORKS": "127.0.0.0/8",
            "S3_BUCKET": BUCKET,
            "S3_ENDPOINT_URL": storage[0],
            "S3_REGION": CREDENTIALS["region_name"],
            "S3_ACCESS_KEY_ID": CREDENTIALS["access_key"],
            "S3_SECRET_ACCESS_KEY": CREDENTIALS["secret_key"],
        }
        started = []
        for number in range(2):
            own = {"STREAM_PORT": free_port()}
            one = running("serve", tmp_path / f"set{number}", **shared, **own)
            started.append(stack.enter_context(one))
        for server in started:
            server.wait_for("/ready")
        yield started


def kill_all(server: Running) -> None:
    """SIGKILL every process of a set, the supervisor first, as a machine that loses its power."""
    members = [server.process.pid, *children(server.process.pid)]
    for pid in members:
        os.kill(pid, signal.SIGKILL)
    server.process.wait()


def messages(sink: Sink) -> list[str]:
    return [json.loads(request.body)["data"]["plate"] for request in list(sink.requests)]


def test_one_of_two_sets_dies_and_nothing_is_missed(
    sets: list[Running], storage: tuple[str, Any]
) -> None:
    token = (
        sets[0]
        .post("/api/v1/auth/token", {"username": "admin", "password": PASSWORD})
        .json()["token"]
    )
    authorization = {"Authorization": f"Token {token}"}
    with Sink() as sink:
        # What a dead worker had under way is taken over when its lease, twice this time, runs out.
        exporter = {
            "name": "sink",
            "exporter_type": "webhook",
            "config": {"url": sink.url},
            "retry": {"timeout_s": 5},
        }
        assert sets[1].post("/api/v1/exporters", exporter, **authorization).status_code == 201
        edges = [Edge(server.url, token) for server in sets]
        watchers = [
            Watcher([server.stream_url for server in sets], token, seed) for seed in range(4)
        ]
        for watcher in watchers:
            watcher.start()
        for number in range(EVENTS):
            if number == EVENTS // 2:
                kill_all(sets[0])
            alive = edges[1] if number >= EVENTS // 2 else edges[number % 2]
            alive.read(f"A{number}", picture() if number % 10 == 0 else b"")
        wait_until_level(watchers, EVENTS, seconds=90)
        eventually(lambda: len(set(messages(sink))) == EVENTS)

    for watcher in watchers:
        assert watcher.positions == list(range(1, EVENTS + 1))
    # What one set stored the other one shows.
    found = sets[1].get("/api/v1/events?has_frame=true&limit=500", **authorization).json()
    assert len(found["results"]) == EVENTS // 10
    for event in found["results"]:
        assert sets[1].get(event["frame_url"], **authorization).status_code == 200
    stored = storage[1].list_objects_v2(Bucket=BUCKET)["Contents"]
    assert len(stored) == 2 * EVENTS // 10
