"""How each process of the product is started: the one place that knows servers and their options."""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from django.conf import settings
from django.core.management import CommandError

from anpr_project.wsgi_load_limit import threads

NAMES = ("api", "stream", "worker")
# While it is there, /ready says no: a stop is under way.
DRAINING_MARKER = "draining"
BACKLOG = 4096
# Of each worker of the API. One that is idle keeps its place for half a minute: with as few as the
# server's own default, newcomers would wait for that without an answer.
CONNECTIONS = 8192
# What a process opens besides its connections.
OTHER_DESCRIPTORS = 256
MOST_DESCRIPTORS = 65_536


def become(command: list[str]) -> NoReturn:
    """Go on as another program in this process; it and what it starts find our modules."""
    paths = [str(settings.BASE_DIR), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    os.execv(command[0], command)  # noqa: S606 - our own command line


def command_line(name: str) -> list[str]:
    """Return the command that is the process `name`, ready for exec."""
    return {"api": _api, "stream": _stream, "worker": _worker, "supervisor": _supervisor}[name]()


def _supervisor() -> list[str]:
    commands = {name: command_line(name) for name in NAMES}
    marker = settings.DATA_DIR / DRAINING_MARKER
    return _module("anpr_project.supervisor", marker, json.dumps(commands))


def _stream() -> list[str]:
    return _module("anpr_project.stream")


def _worker() -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), "deliver"]


def _api() -> list[str]:
    options = {
        "interface": "wsgi",
        "host": settings.HOST,
        "port": settings.PORT,
        "workers": settings.API_WORKERS,
        "blocking-threads": threads(settings.API_THREADS),
        "backlog": BACKLOG,
        "backpressure": connections(),
        # Else it would look in the folder from which it is started first.
        "working-dir": settings.BASE_DIR,
        "workers-kill-timeout": 20,
        # Its own lines go to the root logger, which writes JSON in all its processes.
        "log-config": settings.BASE_DIR / "deploy" / "granian-logging.json",
        "log-level": "warning",
    }
    given = [part for name, value in options.items() for part in (f"--{name}", value)]
    flags = ["--respawn-failed-workers", "--no-ws"]
    return _module("anpr_project.granian_server", *given, *flags, "anpr_project.wsgi:application")


def _module(name: str, *arguments: object) -> list[str]:
    # Without -P modules of the folder from which it is started would come before ours.
    return [sys.executable, "-P", "-m", name, *map(str, arguments)]


def raise_descriptor_limit() -> None:
    """Allow this process, and those that it starts, as many connections as the machine lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        # macOS says that there is no limit, and refuses what is beyond its own.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def connections() -> int:
    """How many each worker takes; what comes beyond waits in the backlog, and is not refused."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return CONNECTIONS
    return max(OTHER_DESCRIPTORS, min(CONNECTIONS, soft - OTHER_DESCRIPTORS))


def bound_socket(host: str, port: int) -> socket.socket:
    """Reserve the address before anything else happens; a taken one ends the start with one line."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        reserved = socket.socket(family, kind, protocol)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            reserved.bind(address)
        except OSError:
            reserved.close()
            raise
    except OSError as error:
        raise address_taken(host, port, error) from None
    return reserved


def address_taken(host: str, port: int, error: OSError) -> CommandError:
    return CommandError(
        f"Cannot listen on {host} port {port}: {os.strerror(error.errno) if error.errno and error.errno > 0 else error}. "
        "Set HOST or PORT."
    )


def metrics_folder() -> Path:
    """Make the empty folder in which the API's workers add up their metrics."""
    folder: Path = settings.DATA_DIR / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
