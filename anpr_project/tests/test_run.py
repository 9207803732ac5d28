from __future__ import annotations

import json
import signal
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from django.db import connection
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from anpr_project.tests.databases import own_database
from anpr_project.tests.running import Running, environment, manage, running, services

PASSWORD = "correct horse battery"


def password_shown(server: Running) -> str:
    lines = server.out.read_text().splitlines()
    return next(line.split()[-1] for line in lines if line.strip().startswith("password"))


def login(server: Running, password: str) -> httpx.Response:
    return server.post("/api/v1/auth/token", {"username": "admin", "password": password})


def test_first_start_makes_an_administrator_and_the_second_keeps_everything(tmp_path: Path) -> None:
    with running("run", tmp_path) as server:
        server.wait_for()
        password = password_shown(server)
        assert len(password) >= 12
        token = login(server, password).json()["token"]
        assert server.get("/ready").status_code == 200
        assert server.get("/docs").status_code == 200
        assert server.get("/metrics").status_code in {200, 401, 403}
        assert server.stop(signal.SIGTERM) == 0
    started = time.monotonic()
    with running("run", tmp_path) as server:
        server.wait_for()
        # The promise is 5 s; under the load of other tests this catches a start gone wrong.
        assert time.monotonic() - started < 60
        assert "password" not in server.out.read_text()
        cameras = server.get("/api/v1/config/cameras", Authorization=f"Token {token}")
        assert cameras.status_code == 200
        assert server.stop(signal.SIGINT) == 0


def make_sensor_key(server: Running, headers: dict[str, str]) -> str:
    sensor = server.post("/api/v1/config/sensors", {"name": "gate"}, **headers)
    assert sensor.status_code == 201, sensor.text
    keys = f"/api/v1/config/sensors/{sensor.json()['id']}/keys"
    return str(server.post(keys, {}, **headers).json()["key"])


def ingest(server: Running, key: str) -> dict[str, object]:
    event = {"plate": "AB12CDE", "confidence": 0.9, "captured_at": datetime.now(UTC).isoformat()}
    response = server.post("/api/v1/events/ingest", event, Authorization=f"Api-Key {key}")
    assert response.status_code == 201, response.text
    return dict(response.json())


def check_event_reaches_stream_and_stop_is_quick(server: Running) -> None:
    server.wait_for()
    headers = {"Authorization": f"Token {login(server, PASSWORD).json()['token']}"}
    key = make_sensor_key(server, headers)
    address = server.url.replace("http", "ws") + "/api/v1/events/stream"
    with connect(address, additional_headers=headers) as stream:
        assert json.loads(stream.recv(30))["type"] == "hello"
        event = ingest(server, key)
        message = json.loads(stream.recv(30))
        assert (message["type"], message["event"]["id"]) == ("event", event["id"])
        started = time.monotonic()
        assert server.stop(signal.SIGTERM) == 0
        assert time.monotonic() - started < 30
        with pytest.raises(ConnectionClosed):
            stream.recv(30)
    assert "Traceback" not in server.err.read_text()


def test_event_reaches_the_stream_and_an_open_stream_does_not_hold_up_the_end(
    tmp_path: Path,
) -> None:
    with running("run", tmp_path, DJANGO_SUPERUSER_PASSWORD=PASSWORD) as server:
        check_event_reaches_stream_and_stop_is_quick(server)
        assert PASSWORD not in server.out.read_text()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL and Redis")
def test_runs_on_postgresql_and_redis_too(tmp_path: Path) -> None:
    with own_database() as name:
        settings = services() | {"POSTGRES_DB": name, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
        with running("run", tmp_path, **settings) as server:
            check_event_reaches_stream_and_stop_is_quick(server)


def test_switches_can_be_turned_off_again(tmp_path: Path) -> None:
    with running("run", tmp_path, API_DOCS="false", ENABLE_METRICS="false") as server:
        server.wait_for()
        assert server.get("/docs").status_code == 404
        assert server.get("/metrics").status_code == 404


def failed_start(folder: Path, **extra: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        manage("run"), env=environment(folder, **extra), capture_output=True, text=True, timeout=60
    )


def test_taken_port_ends_the_start_with_one_line(tmp_path: Path) -> None:
    with running("run", tmp_path) as server:
        server.wait_for()
        second = failed_start(tmp_path / "other", PORT=server.port)
    assert second.returncode == 1
    assert second.stdout == ""
    assert second.stderr.splitlines() == [
        f"CommandError: Cannot listen on 127.0.0.1 port {server.port}: "
        "Address already in use. Set HOST or PORT."
    ]


@pytest.mark.parametrize(("name", "value"), [("PORT", "80o0"), ("PORT", "70000"), ("DEBUG", "2")])
def test_wrong_setting_is_named(tmp_path: Path, name: str, value: str) -> None:
    start = failed_start(tmp_path, **{name: value})
    assert start.returncode == 1
    assert f"{name}='{value}' is wrong" in start.stderr
    assert "Traceback" not in start.stderr


def test_unknown_host_is_named(tmp_path: Path) -> None:
    start = failed_start(tmp_path, HOST="no-such-host.invalid")
    assert start.returncode == 1
    assert "Cannot listen on no-such-host.invalid port" in start.stderr
    assert "Traceback" not in start.stderr
