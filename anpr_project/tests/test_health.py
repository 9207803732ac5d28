"""GET /health, /ready and /liveness, with services that are up, down and hanging."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as current
from django.db import OperationalError, connection, connections
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from anpr_project import __version__, health
from anpr_project.processes import DRAINING_MARKER
from exporters.models import WorkerHeartbeat

WRAPPER: Any = type(connections["default"])
PROBES = (health.database, health.redis_server, health.storage)


def _forget() -> None:
    for probe in PROBES:
        probe.forget()
    health.migrated.clear()


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Nothing is known from before: tests elsewhere ask about health, too."""
    _forget()
    yield
    _forget()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise OperationalError("password for anpr is hunter2")

    monkeypatch.setattr(WRAPPER, "get_new_connection", refuse)


def beat(age: timedelta = timedelta()) -> None:
    WorkerHeartbeat.beat(name="test", pid=1)
    WorkerHeartbeat.objects.update(beat_at=timezone.now() - age)


@pytest.mark.main_path
@pytest.mark.django_db(transaction=True)
def test_all_services_up_is_healthy(client: Client) -> None:
    beat()

    response = client.get("/health")

    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    body = response.json()
    assert (body["status"], body["version"]) == ("healthy", __version__)
    services = body["services"]
    assert services["database"]["status"] == "up"
    assert 0 <= services["database"]["latency_ms"] < 2000
    assert services["redis"] == {"status": "up" if current.REDIS else "disabled"}
    assert services["storage"]["status"] == "up"
    assert services["storage"]["free_mb"] > 0
    assert services["worker"]["status"] == "up"
    assert services["worker"]["last_beat_at"].endswith("Z")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("age", [None, timedelta(seconds=20)])
def test_a_worker_that_is_silent_or_missing_degrades(client: Client, age: timedelta | None) -> None:
    if age is not None:
        beat(age)

    body = client.get("/health").json()

    assert body["status"] == "degraded"
    assert body["services"]["worker"]["status"] == "down"
    assert (body["services"]["worker"]["last_beat_at"] is None) == (age is None)


@pytest.mark.django_db(transaction=True)
def test_redis_down_degrades_and_does_not_stop_traffic(client: Client, settings: Settings) -> None:
    beat()
    settings.REDIS = {"host": "127.0.0.1", "port": 1}

    response = client.get("/health")

    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["services"]["redis"] == {"status": "down"}
    assert client.get("/ready").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_redis_that_hangs_is_down_in_time(
    client: Client, settings: Settings, silent_port: int
) -> None:
    settings.REDIS = {"host": "127.0.0.1", "port": silent_port, "password": "s3cret"}
    started = time.monotonic()

    response = client.get("/health")

    assert time.monotonic() - started < 10
    assert response.json()["services"]["redis"] == {"status": "down"}
    assert b"s3cret" not in response.content


def test_without_redis_it_is_disabled(settings: Settings) -> None:
    settings.REDIS = {}

    assert health.ask_redis() == "disabled"


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_down_is_unhealthy_and_its_words_stay_inside(
    client: Client, no_database: None
) -> None:
    response = client.get("/health")

    assert response.status_code == 503
    body = response.json()
    assert body["status"] == "unhealthy"
    assert body["services"]["database"] == {"status": "down", "latency_ms": None}
    assert body["services"]["worker"] == {"status": "unknown", "last_beat_at": None}
    assert b"hunter2" not in response.content
    assert client.get("/ready").status_code == 503
    assert client.get("/liveness").status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server that can hang")
def test_a_database_that_hangs_is_down_in_time(
    client: Client, monkeypatch: pytest.MonkeyPatch, silent_port: int
) -> None:
    original: Any = WRAPPER.get_connection_params

    def misled(self: Any) -> dict[str, Any]:
        return {**original(self), "host": "127.0.0.1", "port": silent_port}

    monkeypatch.setattr(WRAPPER, "get_connection_params", misled)

    for path, status in (("/health", 503), ("/ready", 503), ("/liveness", 200)):
        started = time.monotonic()
        assert client.get(path).status_code == status
        assert time.monotonic() - started < 10, path


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has a pool")
def test_the_probe_needs_no_connection_of_the_pool() -> None:
    with health.own_connection() as own:
        assert "pool" not in own.settings_dict["OPTIONS"]
    assert "pool" in connection.settings_dict["OPTIONS"]


@pytest.mark.django_db(transaction=True)
def test_uploads_that_cannot_be_written_are_unhealthy_and_not_ready(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    settings.UPLOAD_DIR = in_the_way / "uploads"

    answers = [client.get("/health"), client.get("/ready")]

    assert [answer.status_code for answer in answers] == [503, 503]
    assert answers[0].json()["services"]["storage"] == {"status": "down", "free_mb": None}
    assert answers[1].json()["checks"]["storage"] is False


@pytest.mark.django_db(transaction=True)
def test_a_full_disk_is_unhealthy_but_reading_goes_on(client: Client, settings: Settings) -> None:
    settings.MIN_FREE_MB = 10**9

    health_answer, ready_answer = client.get("/health"), client.get("/ready")

    assert health_answer.status_code == 503
    assert health_answer.json()["services"]["storage"]["status"] == "full"
    assert ready_answer.status_code == 200


@pytest.mark.django_db(transaction=True)
def test_the_storage_probe_leaves_nothing_behind(client: Client, upload_dir: Path) -> None:
    client.get("/health")

    assert list(upload_dir.iterdir()) == []


@pytest.mark.main_path
@pytest.mark.django_db(transaction=True)
def test_ready_when_everything_it_needs_is_there(client: Client) -> None:
    response = client.get("/ready")

    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    assert response.json() == {
        "status": "ready",
        "checks": {"database": True, "migrations": True, "storage": True, "not_draining": True},
    }


@pytest.mark.django_db(transaction=True)
def test_not_ready_while_draining(client: Client, settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    (tmp_path / DRAINING_MARKER).touch()

    response = client.get("/ready")

    assert response.status_code == 503
    assert response.json()["checks"]["not_draining"] is False


@pytest.mark.django_db(transaction=True)
def test_not_ready_while_a_migration_is_missing_and_ready_once_it_ran(client: Client) -> None:
    applied = MigrationRecorder.Migration.objects.filter(app="anpr_project")
    rows = list(applied)
    applied.delete()
    before, state = client.get("/ready"), client.get("/health").json()
    MigrationRecorder.Migration.objects.bulk_create(rows)
    health.database.forget()

    assert before.status_code == 503
    assert before.json()["checks"] == {
        "database": True,
        "migrations": False,
        "storage": True,
        "not_draining": True,
    }
    assert state["services"]["worker"]["status"] == "unknown"
    assert client.get("/ready").status_code == 200


def test_liveness_asks_nobody(client: Client) -> None:
    # No `db` mark: a query would fail here.
    response = client.get("/liveness")

    assert (response.status_code, response.json()) == (200, {"status": "alive"})
    assert response["Cache-Control"] == "no-store"
    assert not response.cookies
