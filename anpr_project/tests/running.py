"""Starts the product's own commands as real processes for tests, on loopback and free ports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from django.conf import settings

from anpr_project.lib.tests.ports import free_port

SERVICES = ("POSTGRES_", "REDIS_", "UPLOAD_DIR", "API_DOCS", "ENABLE_METRICS", "PORT", "HOST")


def environment(folder: Path, **extra: object) -> dict[str, str]:
    """The caller's environment without its services: the embedded shape, at home in `folder`.

    As it runs for others, too: Python's development mode is for the code that tests run themselves.
    """
    ours = (*SERVICES, "PYTHONDEVMODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"DATA_DIR": str(folder)} | {name: str(value) for name, value in extra.items()}


def services() -> dict[str, str]:
    """The PostgreSQL and Redis that the test run started."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("POSTGRES_", "REDIS_"))
    }


def manage(*arguments: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


class Running:
    """A started command, its output in files, and the address it serves."""

    def __init__(self, arguments: list[str], folder: Path, extra: dict[str, object]) -> None:
        self.port = int(str(extra.setdefault("PORT", free_port())))
        self.url = f"http://127.0.0.1:{self.port}"
        stream_port = extra.get("STREAM_PORT", self.port)
        self.stream_url = f"ws://127.0.0.1:{stream_port}/api/v1/events/stream"
        self.out, self.err = folder / "stdout", folder / "stderr"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                manage(*arguments),
                stdout=out,
                stderr=err,
                cwd=folder,
                env=environment(folder / "var", **extra),
            )

    # Generous: a start of 4 s of work took a minute and a half on a machine with thirty others, and
    # one that fails takes all tests with it that share the product. One that dies is seen at once.
    def wait_for(self, path: str = "/liveness", status: int = 200, seconds: float = 300) -> None:
        deadline = time.monotonic() + seconds
        last: object = None
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.err.read_text()
            try:
                last = self.get(path).status_code
            except httpx.TransportError as error:
                last = error
            if last == status:
                return
            time.sleep(0.05)
        raise AssertionError(f"{path}: {last}, not {status}. {self.err.read_text()}")

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(self.url + path, headers=headers, timeout=30)

    def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        return httpx.post(self.url + path, json=body, headers=headers, timeout=30)

    def stop(self, number: int = signal.SIGTERM, seconds: float = 40) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=seconds)


@contextmanager
def running(command: str, folder: Path, *arguments: str, **extra: object) -> Iterator[Running]:
    """Start `manage.py <command>`, and end it whatever happens."""
    folder.mkdir(exist_ok=True)
    started = Running([command, *arguments], folder, extra)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.process.terminate()
            try:
                started.process.wait(timeout=40)
            except subprocess.TimeoutExpired:
                started.process.kill()
                started.process.wait()
