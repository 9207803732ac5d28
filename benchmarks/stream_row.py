"""P5: a thousand sockets on two stream processes while events come in."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from findings import Finding
from load import Connection
from processes import cpu_of, end, rss_mb, start, wait_until
from product import ROOT, family, free_port
from stacks import HERE, Machine, Stack, listens

STREAM = "/api/v1/events/stream"
RATE = 50
PATIENCE_S = 60


@dataclass
class Watched:
    """What the watchers saw, and what the servers needed."""

    sent: int
    seconds: float
    saw: dict[str, Any]
    stream_cpu_s: float
    stream_rss_mb: float
    all_rss_mb: float

    @property
    def holes(self) -> int:
        """Positions that some watcher did not get, at the end or in between."""
        return int(self.saw["holes"] + max(0, self.sent - self.saw["least"]))


@contextmanager
def second_stream(on: Machine, stack: Stack) -> Iterator[tuple[int, int]]:
    """One more stream process beside that of `serve`; yields its port and process id."""
    port = free_port()
    settings = stack.settings | {"STREAM_PORT": str(port)}
    command = [sys.executable, str(ROOT / "manage.py"), "serve", "--only", "stream"]
    process = start(command, on.folder / "stream.log", settings)
    try:
        wait_until(lambda: listens(port), "the second stream listens")
        yield port, process.pid
    finally:
        end(process)


def send(stack: Stack, rate: int, seconds: float) -> int:
    """Send events without pictures at a steady pace; return how many."""
    requests = replace(stack.requests, frame=b"", crop=b"", is_form=False)
    connection, begun, count = Connection(stack.port), time.perf_counter(), int(rate * seconds)
    for number in range(count):
        time.sleep(max(0.0, begun + number / rate - time.perf_counter()))
        connection.send(requests.next())
        while (status := connection.status()) is None:
            pass
        if status != 201:
            sys.exit(f"an event was refused with {status}")
    connection.socket.close()
    return count


def watched(
    stack: Stack, ports: list[int], streams: list[int], *, sockets: int, rate: int, seconds: float
) -> Watched:
    """Let so many watch while events come; `streams` are the stream processes."""
    command = [sys.executable, str(HERE / "watchers.py"), "--path", STREAM]
    command += ["--ports", ",".join(map(str, ports)), "--sockets", str(sockets)]
    command += ["--events", str(int(rate * seconds))]
    command += ["--authorization", stack.viewer] if stack.viewer else []
    watchers = subprocess.Popen(  # noqa: S603 - our own command
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert watchers.stdout is not None  # noqa: S101 - for the type checker
    if watchers.stdout.readline() != "ready\n":
        sys.exit("the watchers did not get in")
    cpu, begun = cpu_of(streams), time.perf_counter()
    sent = send(stack, rate, seconds)
    memory = rss_mb(streams), rss_mb([*stack.pids, *streams])
    with suppress(subprocess.TimeoutExpired):
        watchers.wait(PATIENCE_S)
    took, cpu = time.perf_counter() - begun, cpu_of(streams) - cpu
    output, _ = watchers.communicate()
    return Watched(sent, took, json.loads(output), cpu, *memory)


def stream(on: Machine, stack: Stack, *, sockets: int, seconds: float) -> list[Finding]:
    first = [pid for pid in family(stack.pids[0]) if is_stream(pid)]
    with second_stream(on, stack) as (port, pid):
        found = watched(
            stack,
            [int(stack.settings["STREAM_PORT"]), port],
            [*first, pid],
            sockets=sockets,
            rate=RATE,
            seconds=seconds,
        )
    frames = found.saw["most"] * sockets
    print(  # noqa: T201 - its output is its purpose
        f"    p50 {found.saw['p50_ms']} ms, in the client's kernel p50 {found.saw['arrived_p50_ms']} "
        f"and p99 {found.saw['arrived_p99_ms']}, stream CPU {found.stream_cpu_s / frames * 1e6:.1f} us a frame, "
        f"client {found.saw['cpu_s'] / frames * 1e6:.1f}, stream processes {found.stream_rss_mb:.0f} MB",
        flush=True,
    )
    work = f"{sockets:,} sockets, {RATE} events/s, {seconds:.0f} s"
    return [
        Finding("P5", f"{work}: p99", "ms", 250, [found.saw["p99_ms"]], at_least=False),
        Finding("P5", f"{work}: holes", "", 0, [found.holes], at_least=False),
        Finding("P5", f"{work}: RSS of all", "MB", 400, [found.all_rss_mb], at_least=False),
    ]


def is_stream(pid: int) -> bool:
    return b"\0anpr_project.stream\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
