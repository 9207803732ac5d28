"""The programs that are compared, each with two processes, over one PostgreSQL and one Redis."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from load import CROP_BYTES, FRAME_BYTES, Requests, jpeg
from processes import cpu_of, end, start, wait_until
from product import PASSWORD, ROOT, Server, free_port, services

HERE = ROOT / "benchmarks"
BENCH = ROOT / ".venv" / "bench" / "bin"
WORKERS = 2
INGEST = "/api/v1/events/ingest"
FRAME, CROP = jpeg((1280, 720), FRAME_BYTES), jpeg((208, 64), CROP_BYTES)


@dataclass
class Machine:
    """The database and Redis that all share; they keep what they acknowledge."""

    folder: Path
    settings: dict[str, str]
    pids: list[int]

    def address(self, database: str, scheme: str = "postgresql") -> str:
        return f"{scheme}://postgres@127.0.0.1:{self.settings['POSTGRES_PORT']}/{database}"

    def change_databases(self, statement: str) -> None:
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def make_database(self, name: str) -> None:
        self.change_databases(f"CREATE DATABASE {name}")

    def has_database(self, name: str) -> bool:
        with psycopg.connect(self.address("postgres")) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            return found.fetchone() is not None


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    settings, started = services(folder)
    settings |= {"API_WORKERS": str(WORKERS), "LOG_LEVEL": "WARNING"}
    try:
        yield Machine(folder, settings, [process.pid for process in started])
    finally:
        for process in started:
            end(process)


@dataclass
class Stack:
    """One program that takes events."""

    name: str
    port: int
    pids: list[int]
    uploads: Path
    requests: Requests
    # Environment of one more process of the same program, and an Authorization that may watch.
    settings: dict[str, str] = field(default_factory=dict)
    viewer: str = ""
    # Whether all that an event causes is done; the CPU for it counts, and must not fall to the next.
    is_idle: Any = field(default=lambda: True)

    def cpu_s(self) -> float:
        return cpu_of(self.pids)

    def settle(self) -> None:
        """Wait for the end of the work, and give the disk back."""
        wait_until(self.is_idle, f"{self.name} is done")

    def clear(self) -> None:
        shutil.rmtree(self.uploads, ignore_errors=True)
        self.uploads.mkdir(parents=True)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _requests(**options: Any) -> Requests:
    return Requests(path=INGEST, frame=FRAME, crop=CROP, **options)


def _without_work(address: str) -> bool:
    waiting = "SELECT 1 FROM events_eventreceipt WHERE position IS NULL ORDER BY id LIMIT 1"
    with psycopg.connect(address) as connection:
        return connection.execute(waiting).fetchone() is None


@contextmanager
def ours(on: Machine, **settings: str) -> Iterator[Stack]:
    """`manage.py serve` with a camera and a sensor that may send for it."""
    on.make_database("ours")
    folder = on.folder / "ours"
    folder.mkdir()
    extra = on.settings | {"POSTGRES_DB": "ours", "STREAM_PORT": str(free_port())} | settings
    server = Server("serve", folder, free_port(), extra)
    server.start()
    assert server.process is not None  # noqa: S101 - for the type checker
    try:
        login = {"username": "admin", "password": PASSWORD}
        token = server.json("POST", "/api/v1/auth/token", login)["token"]
        viewer = f"Token {token}"
        camera, key = make_sensor(server, viewer)
        yield Stack(
            "ours",
            server.port,
            [server.process.pid],
            folder / "var" / "uploads",
            _requests(camera=camera, authorization=f"Api-Key {key}"),
            extra | {"DATA_DIR": str(folder / "var"), "PORT": str(server.port)},
            viewer,
            partial(_without_work, on.address("ours")),
        )
    finally:
        end(server.process)


def make_sensor(server: Server, authorization: str) -> tuple[int, str]:
    """Return the id of a new camera and the key of a new sensor of it."""
    configuration = "/api/v1/config"

    def make(path: str, body: dict[str, Any]) -> Any:
        return server.json("POST", configuration + path, body, Authorization=authorization)

    camera = make("/cameras", {"name": "benchmark"})["id"]
    sensor = make("/sensors", {"name": "benchmark", "camera": camera})["id"]
    return int(camera), str(make(f"/sensors/{sensor}/keys", {})["key"])


@contextmanager
def peer(on: Machine) -> Iterator[Stack]:
    on.make_database("peer")
    uploads, port, log = on.folder / "peer", free_port(), on.folder / "peer.log"
    uploads.mkdir()
    redis = f"redis://127.0.0.1:{on.settings['REDIS_PORT']}/1"
    environment = {"PEER_DATABASE": on.address("peer", "postgresql+asyncpg")}
    environment |= {"PEER_REDIS": redis, "PEER_UPLOADS": str(uploads)}
    table = start([str(BENCH / "python"), str(HERE / "peer.py")], log, environment)
    if table.wait(60):
        sys.exit(f"the peer has no table, see {log}")
    options = ["--app-dir", str(HERE), "--workers", str(WORKERS), "--port", str(port)]
    command = [str(BENCH / "python"), "-m", "uvicorn", "peer:app", *options, "--no-access-log"]
    process = start(command, log, environment)
    with ExitStack() as stack:
        stack.callback(end, process)
        wait_until(partial(listens, port), "the peer listens")
        yield Stack("peer", port, [process.pid], uploads, _requests(camera=1))


@contextmanager
def floor(on: Machine) -> Iterator[Stack]:
    on.make_database("floor")
    uploads, port, log = on.folder / "floor", free_port(), on.folder / "floor.log"
    uploads.mkdir()
    environment = {"FLOOR_DATABASE": on.address("floor"), "FLOOR_UPLOADS": str(uploads)}
    table = start([sys.executable, str(HERE / "floor.py")], log, environment)
    if table.wait(60):
        sys.exit(f"the floor has no table, see {log}")
    options = {"interface": "wsgi", "host": "127.0.0.1", "port": port, "workers": WORKERS}
    options |= {"blocking-threads": os.environ.get("API_THREADS", 8), "backlog": 2048}
    options |= {"working-dir": HERE, "log-level": "warning"}
    arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "granian", *arguments, "--no-ws", "floor:application"]
    process = start(command, log, environment)
    with ExitStack() as stack:
        stack.callback(end, process)
        wait_until(partial(listens, port), "the floor listens")
        yield Stack("floor", port, [process.pid], uploads, _requests(camera=1))
