"""A running product with demo traffic to be photographed, and a sink that its exporter delivers to."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"
PASSWORD = "only-for-screenshots"  # noqa: S105 - of a server that lives for minutes
MORNING_HOUR = 10
# A zone in which it is about ten o'clock now (the demo's cameras see by day); these names count the
# other way round.
TIME_ZONE = f"Etc/GMT{(datetime.now(UTC).hour - MORNING_HOUR + 12) % 24 - 12:+d}"


@dataclass(frozen=True)
class Demo:
    url: str
    environment: dict[str, str]

    def simulate(self, *arguments: str) -> None:
        command = [sys.executable, str(MANAGE), "simulate", *arguments]
        subprocess.run(command, env=self.environment, check=True)  # noqa: S603 - our own command

    def call(self, method: str, path: str, body: object = None, token: str = "") -> Any:
        headers = {"Content-Type": "application/json", "Authorization": f"Token {token}"}
        data = None if body is None else json.dumps(body).encode()
        request = Request(  # noqa: S310 - our own server
            self.url + path,
            data,
            headers if token else headers | {"Authorization": ""},
            method=method,
        )
        with urlopen(request, timeout=30) as answer:  # noqa: S310 - our own server
            return json.load(answer)

    def log_in(self) -> str:
        login = {"username": "admin", "password": PASSWORD}
        return str(self.call("POST", "/api/v1/auth/token", login)["token"])


class Sink(BaseHTTPRequestHandler):
    """Takes every delivery."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the library names it
        pass


@contextmanager
def sink() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/reads"
    finally:
        server.shutdown()
        server.server_close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str) -> None:
    for _ in range(1200):
        try:
            with urlopen(url, timeout=5):  # noqa: S310 - our own server
                return
        except (URLError, TimeoutError):
            time.sleep(0.1)
    raise SystemExit(f"no answer from {url}")


@contextmanager
def running(folder: str) -> Iterator[Demo]:
    """Run the product on SQLite in `folder`, with an exporter, and fill in a day of traffic."""
    port = free_port()
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {
        "DATA_DIR": folder,
        "PORT": str(port),
        "API_DOCS": "true",
        "TIME_ZONE": TIME_ZONE,
        "EXPORT_ALLOW_NETWORKS": "127.0.0.0/8",
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
    }
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, str(MANAGE), "run"], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        demo = Demo(f"http://127.0.0.1:{port}", environment)
        wait_for(f"{demo.url}/ready")
        with sink() as url:
            demo.simulate("--count", "1", "--history", "48")
            exporter = {
                "name": "Parking accounts",
                "exporter_type": "webhook",
                "config": {"url": url},
                "auth": {"type": "none"},
            }
            demo.call("POST", "/api/v1/exporters", exporter, demo.log_in())
            demo.simulate("--count", "30", "--rate", "8", "--history", "0")
            yield demo
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
