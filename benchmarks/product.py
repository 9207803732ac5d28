"""The product as real processes for the benchmarks: start, ask, crash. Standard library only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from anpr_project.lib.tests.ports import free_port as free_port  # noqa: E402 - needs that path

PASSWORD = "only for this check"  # noqa: S105 - the server lives as long as the check
Answer = tuple[int, bytes]


@dataclass
class Server:
    """The product, started anew after each crash on the same data and port."""

    shape: str
    folder: Path
    port: int
    extra: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    # Another place when a copy of the product is to be run, broken on purpose.
    root: Path = ROOT

    @property
    def stream_port(self) -> int:
        return self.port if self.shape == "run" else int(self.extra["STREAM_PORT"])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        environment = os.environ | {"LOG_LEVEL": "WARNING"} | self.extra
        environment |= {"DATA_DIR": str(self.folder / "var"), "PORT": str(self.port)}
        return environment | {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}

    def manage(self, *command: str) -> str:
        """Run a command of the product; return what it printed."""
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, str(self.root / "manage.py"), *command],
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout

    def start(self) -> float:
        """Start, wait until it is ready, and return how long that took."""
        begun = time.monotonic()
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, str(self.root / "manage.py"), self.shape],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        while time.monotonic() - begun < 120:
            if self.process.poll() is not None:
                break
            if self.call("GET", "/ready")[0] == 200:
                return time.monotonic() - begun
            time.sleep(0.05)
        self.kill()
        sys.exit(f"the server did not become ready, see {self.folder / 'server.log'}")

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Return status and body; status 0 when nobody can tell what became of the request."""
        request = urllib.request.Request(self.url + path, body, headers or {}, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=15) as response:  # noqa: S310
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        except (OSError, EOFError, ValueError):
            return 0, b""
        except Exception as error:  # http.client's own, such as IncompleteRead
            return 0, repr(error).encode()

    def json(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        data = None if body is None else json.dumps(body).encode()
        status, content = self.call(
            method, path, data, {"Content-Type": "application/json"} | headers
        )
        if status not in {200, 201}:
            raise RuntimeError(f"{method} {path}: {status} {content[:300]!r}")
        return json.loads(content)

    def kill(self) -> int:
        """SIGKILL every process of it at the same moment; return how many there were."""
        assert self.process is not None  # noqa: S101 - for the type checker
        found = family(self.process.pid)
        # Stopped first: none of them may notice the death of another and tidy up.
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in found:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
        self.process.wait()
        return len(found)


def family(pid: int) -> list[int]:
    """The process, and everything that it started."""
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, check=True)  # noqa: S607
    pairs = [tuple(map(int, line.split())) for line in table.stdout.decode().splitlines()]
    found = [pid]
    for parent in found:
        found += [child for child, of in pairs if of == parent]
    return found


def services(folder: Path) -> tuple[dict[str, str], list[subprocess.Popen[bytes]]]:
    """Start PostgreSQL, on the data that is in the folder if there is any, and Redis."""
    from anpr_project.tests.servers import make_postgres, run_postgres, start_redis

    data, postgres_port = folder / "postgres", free_port()
    if not data.exists():
        make_postgres(folder, durable=True)
    postgres = run_postgres(data, postgres_port, durable=True)
    redis, redis_port = start_redis()
    settings = {"POSTGRES_SERVER": "127.0.0.1", "POSTGRES_PORT": str(postgres_port)}
    settings |= {"POSTGRES_USER": "postgres", "POSTGRES_DB": "postgres", "SECRET_KEY": "x" * 50}
    return settings | {
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(redis_port),
        "STREAM_PORT": str(free_port()),
    }, [redis, postgres]
