from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from django.db import connection

from anpr_project.lib.tests.ports import free_port
from anpr_project.tests.databases import own_database
from anpr_project.tests.running import Running, environment, manage, running, services

needs_services = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="needs PostgreSQL and Redis"
)


@pytest.fixture
def production() -> Iterator[dict[str, str]]:
    with own_database() as name:
        yield services() | {
            "POSTGRES_DB": name,
            "API_WORKERS": "1",
            "ENABLE_METRICS": "true",
            "STREAM_PORT": str(free_port()),
            "DJANGO_SUPERUSER_PASSWORD": "correct horse battery",
        }


def children(pid: int) -> dict[int, str]:
    """The processes that `pid` started, and those that they started, with their command lines."""
    found: dict[int, str] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            line = (stat.parent / "cmdline").read_text().replace("\0", " ")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            child = int(stat.parent.name)
            found |= {child: line} | children(child)
    return found


def child(server: Running, part: str) -> int:
    """The process under the supervisor whose command line holds `part`; of several, the eldest."""
    return min(pid for pid, line in children(server.process.pid).items() if part in line)


def eventually(fact: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


def answers(port: int | str) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/liveness", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@needs_services
def test_dead_processes_come_back_and_a_stop_drains(
    tmp_path: Path, production: dict[str, str]
) -> None:
    with running("serve", tmp_path, **production) as server:
        server.wait_for("/ready")
        eventually(lambda: answers(production["STREAM_PORT"]))
        for part in ("granian", "anpr_project.stream", "manage.py deliver"):
            before = child(server, part)
            os.kill(before, signal.SIGKILL)
            eventually(lambda before=before: is_gone(before))  # type: ignore[misc]
            eventually(
                lambda part=part: any(
                    part in line for line in children(server.process.pid).values()
                )  # type: ignore[misc]
            )
        eventually(lambda: answers(server.port) and answers(production["STREAM_PORT"]))

        processes = children(server.process.pid)
        draining = tmp_path / "var" / "draining"
        server.process.send_signal(signal.SIGTERM)
        eventually(draining.exists, 1)
        assert server.get("/ready").status_code == 503
        assert server.process.wait(timeout=60) == 0
        assert not draining.exists()
        assert all(is_gone(pid) for pid in processes)
        assert (tmp_path / "var" / "metrics").is_dir()


@needs_services
def test_killed_supervisor_leaves_no_process_behind(
    tmp_path: Path, production: dict[str, str]
) -> None:
    with running("serve", tmp_path, **production) as server:
        server.wait_for()
        processes = children(server.process.pid)
        assert len(processes) >= 4
        server.process.kill()
        server.process.wait()
        eventually(lambda: all(is_gone(pid) for pid in processes))


@needs_services
def test_what_the_worker_counts_is_on_the_apis_page(
    tmp_path: Path, production: dict[str, str]
) -> None:
    with running("serve", tmp_path, **production) as server:
        server.wait_for("/ready")
        login = {"username": "admin", "password": production["DJANGO_SUPERUSER_PASSWORD"]}
        token = server.post("/api/v1/auth/token", login).json()["token"]
        exporter = {"name": "x", "exporter_type": "webhook", "config": {"url": "https://8.8.8.8"}}
        made = server.post("/api/v1/exporters", exporter, Authorization=f"Token {token}")
        assert made.status_code == 201, made.text
        # There at zero as soon as the worker's lane has started.
        counter = 'anpr_export_attempts_total{exporter="x",result="failed"} 0.0'
        eventually(lambda: counter in server.get("/metrics").text)


@needs_services
def test_one_process_can_be_run_alone(tmp_path: Path, production: dict[str, str]) -> None:
    migrated = subprocess.run(
        manage("serve", "--only", "migrate"),
        env=environment(tmp_path / "var", **production),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert migrated.returncode == 0, migrated.stderr
    assert "Created the administrator 'admin' with the password you set." in migrated.stdout
    with running("serve", tmp_path, "--only", "api", **production) as api:
        api.wait_for("/ready")
        assert "granian" in Path(f"/proc/{api.process.pid}/cmdline").read_text()
        assert not answers(production["STREAM_PORT"])
        for worker in children(api.process.pid):
            os.kill(worker, signal.SIGKILL)
        eventually(lambda: "Unexpected exit" in api.err.read_text())
        api.wait_for("/ready")
        assert api.stop() == 0
        # What the server itself says too.
        assert all(json.loads(line) for line in api.err.read_text().splitlines())


@pytest.mark.parametrize("given", [{}, {"POSTGRES_SERVER": "127.0.0.1", "SECRET_KEY": "x" * 50}])
def test_refuses_to_start_without_its_services(tmp_path: Path, given: dict[str, str]) -> None:
    start = subprocess.run(
        manage("serve"),
        env=environment(tmp_path, **given),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert start.returncode == 1
    missing = "REDIS_HOST" if given else "POSTGRES_SERVER"
    assert start.stderr.startswith(f"CommandError: {missing} is not set.")


def test_database_that_is_away_ends_the_start_with_one_line(tmp_path: Path) -> None:
    port = free_port()
    given = {"POSTGRES_SERVER": "127.0.0.1", "POSTGRES_PORT": port, "SECRET_KEY": "x" * 50}
    start = subprocess.run(
        manage("serve"),
        env=environment(tmp_path, **given, REDIS_HOST="127.0.0.1", PORT=free_port()),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert start.returncode == 1
    assert "CommandError: The database does not let us in:" in start.stderr
    assert "Traceback" not in start.stderr
