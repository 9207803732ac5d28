"""The product with everything around it, as processes that can be killed and started again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from product import PASSWORD, Server, family, free_port

from anpr_project.tests.servers import make_postgres, run_postgres, start_redis

HERE = Path(__file__).resolve().parent
OTHERS = " FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"


class Postgres:
    """PostgreSQL that keeps its promises, unless it is told to break them."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.port, self.durable = free_port(), durable
        self.data = make_postgres(folder, durable=True)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = run_postgres(self.data, self.port, durable=self.durable)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT stops it fast, SIGQUIT at once: what it had in memory is lost, as in a crash."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None

    def signal(self, number: signal.Signals) -> None:
        """Tell all its processes: what stops its parent alone leaves the connections at work."""
        assert self.process is not None  # noqa: S101 - for the type checker
        for pid in family(self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def destroy(self) -> None:
        """Lose the disk: an empty server comes up in its place."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.data)
        self.data = make_postgres(self.data.parent, durable=True)
        self.start()

    def _ask(self, statement: str) -> list[int]:
        """Ask about the product's connections; patiently, it may just be recovering."""
        import psycopg

        deadline = time.monotonic() + 30
        while True:
            try:
                with psycopg.connect(self.address, autocommit=True) as connection:
                    return [int(value) for (value,) in connection.execute(statement + OTHERS)]
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def backends(self) -> list[int]:
        """The process ids of connections of the product."""
        return self._ask("SELECT pid")

    def shows(self, setting: str) -> str:
        """What it says of a setting of its own."""
        import psycopg

        with psycopg.connect(self.address) as connection:
            row = connection.execute("SELECT current_setting(%s)", [setting]).fetchone()
        return str(row and row[0])

    def end_connections(self) -> None:
        self._ask("SELECT pg_terminate_backend(pid)::int")

    @property
    def address(self) -> str:
        return f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres connect_timeout=5"


class Redis:
    def __init__(self) -> None:
        self.process, self.port = start_redis()

    def start(self) -> None:
        self.process, _ = start_redis(self.port)

    def command(self, *words: str | int) -> None:
        import redis

        with suppress(redis.RedisError), redis.Redis(port=self.port) as client:
            client.execute_command(*words)

    def stop(self) -> None:
        self.command("SHUTDOWN", "NOSAVE")
        self.process.wait()


@dataclass
class Storage:
    """Where pictures go: a small file system of its own where we may mount one."""

    folder: Path
    is_mounted: bool

    @property
    def uploads(self) -> Path:
        return self.folder / "uploads"

    def fill(self, leave: int) -> None:
        """Leave so many bytes free; the filling is in the way until `free()`."""
        room = shutil.disk_usage(self.folder).free - leave
        with (self.folder / "filling").open("wb") as file:
            if room > 0:
                # Others write at the same moment: then it is as full as it can be.
                with suppress(OSError):
                    os.posix_fallocate(file.fileno(), 0, room)

    def free(self) -> None:
        (self.folder / "filling").unlink(missing_ok=True)


@contextmanager
def storage(folder: Path, size_mb: int) -> Iterator[Storage]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(folder)]
    is_mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603
    try:
        yield Storage(folder, is_mounted)
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", str(folder)], check=False)  # noqa: S603, S607


# What each process of `manage.py serve` shows in its command line.
PROCESSES = {
    "api": "granian_server",
    "stream": "anpr_project.stream",
    "worker": "manage.py deliver",
}


@dataclass
class Installation:
    folder: Path
    postgres: Postgres
    redis: Redis
    storage: Storage
    server: Server

    def pid(self, name: str) -> int | None:
        """The process `name` below the supervisor, which is the leader of its group."""
        assert self.server.process is not None  # noqa: S101 - for the type checker
        for pid in family(self.server.process.pid)[1:]:
            with suppress(OSError):
                line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                if PROCESSES[name] in line and os.getpgid(pid) == pid:
                    return pid
        return None

    def signal(self, name: str, number: signal.Signals) -> bool:
        """Send a signal to all of a process's group; False when it is not there."""
        pid = self.pid(name)
        with suppress(ProcessLookupError):
            if pid is not None:
                os.killpg(pid, number)
                return True
        return False

    def login(self) -> str:
        login = {"username": "admin", "password": PASSWORD}
        return str(self.server.json("POST", "/api/v1/auth/token", login)["token"])

    def wait_until_ready(self, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while self.server.call("GET", "/ready")[0] != 200:
            if time.monotonic() > deadline:
                raise TimeoutError(f"not ready, see {self.folder}/server.log")
            time.sleep(0.1)


@contextmanager
def installation(
    folder: Path,
    *,
    picture_mb: int,
    durable: bool = True,
    source: Path | None = None,
    shape: str = "serve",
    also: dict[str, str] | None = None,
) -> Iterator[Installation]:
    """Start everything, with settings that it shall have `also`; end whatever is left of it."""
    with ExitStack() as stack:
        postgres = Postgres(folder, durable=durable)
        stack.callback(postgres.stop)
        postgres.start()
        redis = Redis()
        stack.callback(redis.stop)
        place = stack.enter_context(storage(folder / "pictures", picture_mb))
        settings = {
            "POSTGRES_SERVER": "127.0.0.1",
            "POSTGRES_PORT": str(postgres.port),
            "POSTGRES_USER": "postgres",
            "POSTGRES_DB": "postgres",
            "REDIS_HOST": "127.0.0.1",
            "REDIS_PORT": str(redis.port),
            "STREAM_PORT": str(free_port()),
            "SECRET_KEY": "only for this attack " * 3,
            "UPLOAD_DIR": str(place.uploads),
            "MIN_FREE_MB": "1",
            "API_WORKERS": "2",
            "EXPORT_ALLOW_NETWORKS": "127.0.0.0/8",
        } | (also or {})
        server = Server(shape, folder, free_port(), settings)
        if source is not None:
            server.root = source
        stack.callback(lambda: server.process and server.kill())
        server.start()
        yield Installation(folder, postgres, redis, place, server)


def set_up_django(made: Installation) -> None:
    """Let this process read the installation's database by the product's models."""
    os.environ |= made.server.extra | {
        "DATA_DIR": str(made.folder / "var"),
        "DJANGO_SETTINGS_MODULE": "anpr_project.settings",
        "LOG_LEVEL": "WARNING",
    }
    import django

    django.setup()


@contextmanager
def child(*command: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program of this folder; end it afterwards."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, str(HERE / command[0]), *command[1:]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def chance_for(seed: int, what: str) -> random.Random:
    """A source of chance for each part, so that one part's needs do not shift another's."""
    return random.Random(f"{seed} {what}")  # noqa: S311 - must be repeatable


def cameras_and_keys(server: Server, token: str, count: int) -> list[dict[str, Any]]:
    """Make cameras with a sensor each; return their ids and keys."""
    headers = {"Authorization": f"Token {token}"}
    made = []
    for number in range(count):
        camera = server.json(
            "POST", "/api/v1/config/cameras", {"name": f"Camera {number}"}, **headers
        )
        fields = {"name": f"Sensor {number}", "camera": camera["id"]}
        sensor = server.json("POST", "/api/v1/config/sensors", fields, **headers)
        key = server.json("POST", f"/api/v1/config/sensors/{sensor['id']}/keys", {}, **headers)
        made.append({"camera": camera["id"], "sensor": sensor["id"], "key": key["key"]})
    return made
