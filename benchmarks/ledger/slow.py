"""Clients of the stream that stop reading: they are closed, and nobody else notices."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from delivering import HERE
from processes import memory_mb
from watchers import shake_hands

from ledger.checks import Finding, red
from ledger.edge import BATCH, post
from ledger.installation import Installation, cameras_and_keys, chance_for, installation
from ledger.poison import bulky
from ledger.report import tell_findings

STREAM = "/api/v1/events/stream"
MOST_GROWTH_MB = 100
LONGEST_S = 30
LOOK_S = 0.2
TICK_S = 0.1
PATIENCE_S = 60
# The figure that is promised is 10 %; so little cannot be told apart on a machine that others use.
MOST_LATER = 2.0
SLACK_MS = 100


@dataclass
class Stopped:
    """A client that shook hands and never reads: its window closes, then the server's buffer fills."""

    stream: socket.socket
    queued: int = 0
    # When the server's buffer grew for the last time, and when the server let go of the socket.
    full_at: float = 0.0
    closed_at: float | None = None

    @property
    def port(self) -> int:
        return int(self.stream.getsockname()[1])


@dataclass(frozen=True)
class Turn:
    """What the readers saw, what the stream server held, and how long the others were kept."""

    sent: int
    saw: dict[str, Any]
    most_mb: float
    # Seconds from a full buffer to the close; None: not closed.
    closed_after: list[float | None]


def stop_reading(port: int, authorization: str) -> Stopped:
    stream = socket.socket()
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stream.connect(("127.0.0.1", port))
    shake_hands(stream, port, STREAM, authorization)
    return Stopped(stream)


def held_by(port: int) -> dict[int, int]:
    """What waits in the server's buffer for each client's port, of the sockets that it holds."""
    found = {}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        local, remote = (int(fields[at].split(":")[1], 16) for at in (1, 2))
        if local == port and fields[9] != "0":
            found[remote] = int(fields[4].split(":")[0], 16)
    return found


@dataclass
class Look:
    """Looks at the stream server's memory and sockets every so often, in a thread."""

    pid: int
    port: int
    stopped: list[Stopped]
    most_mb: float = 0.0
    ending: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self.ending.wait(LOOK_S):
            self.most_mb = max(self.most_mb, memory_mb(self.pid, "VmRSS"))
            held = held_by(self.port) if self.stopped else {}
            for one in self.stopped:
                if one.closed_at is None and one.port not in held:
                    one.closed_at = time.monotonic()
                elif held.get(one.port, 0) > one.queued:
                    one.queued, one.full_at = held[one.port], time.monotonic()

    def end(self) -> None:
        self.ending.set()
        self._thread.join()


def send(made: Installation, key: str, chance: Any, options: argparse.Namespace) -> int:
    """Send at a steady pace, a tenth of a second's together."""
    headers = {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"}
    each, begun = max(1, round(options.rate * TICK_S)), time.monotonic()
    turns = int(options.seconds / TICK_S)
    for number in range(turns):
        time.sleep(max(0.0, begun + number * TICK_S - time.monotonic()))
        events = [bulky(chance, number) for _ in range(each)]
        status, body = post(made.server.port, BATCH, json.dumps(events).encode(), headers)
        if status != 200 or {one["status"] for one in json.loads(body)} != {201}:
            raise RuntimeError(f"{status} {body[:300]!r}")
    return expected(options)


def expected(options: argparse.Namespace) -> int:
    return int(options.seconds / TICK_S) * max(1, round(float(options.rate) * TICK_S))


def take_turn(
    made: Installation, token: str, key: str, chance: Any, options: argparse.Namespace, count: int
) -> Turn:
    """The same number of readers each time; `count` more that stop."""
    port, pid = made.server.stream_port, made.pid("stream")
    assert pid is not None  # noqa: S101 - for the type checker
    readers = options.clients - options.stopping
    command = [sys.executable, str(HERE / "watchers.py"), "--ports", str(port), "--path", STREAM]
    command += ["--sockets", str(readers), "--events", str(expected(options))]
    command += ["--authorization", token]
    with ExitStack() as stack:
        watching = subprocess.Popen(  # noqa: S603 - our own command
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        stack.callback(watching.kill)
        assert watching.stdout is not None  # noqa: S101 - for the type checker
        if watching.stdout.readline() != "ready\n":
            raise RuntimeError("the readers did not get in")
        stopped = [stop_reading(port, token) for _ in range(count)]
        for one in stopped:
            stack.enter_context(closing(one.stream))
        look = Look(pid, port, stopped)
        sent = send(made, key, chance, options)
        try:
            watching.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            pass
        output, _ = watching.communicate("\n")
        look.end()
    after = [one.closed_at and one.closed_at - one.full_at for one in stopped]
    return Turn(sent, json.loads(output or '{"holes": 1}'), look.most_mb, after)


def missed(quiet: list[Turn], troubled: list[Turn]) -> Iterator[str]:
    for turn in troubled:
        if turn.saw["holes"] or turn.saw.get("least") != turn.sent:
            yield f"{turn.sent} sent, {turn.saw}"


def not_closed(quiet: list[Turn], troubled: list[Turn]) -> Iterator[str]:
    for turn in troubled:
        late = (after for after in turn.closed_after if after is None or after > LONGEST_S)
        yield from (f"closed after {after} s" for after in late)


def grew(quiet: list[Turn], troubled: list[Turn]) -> Iterator[str]:
    most = max(turn.most_mb for turn in troubled) - max(turn.most_mb for turn in quiet)
    if most > MOST_GROWTH_MB:
        yield f"{most:.0f} MB more than without them"


def later(quiet: list[Turn], troubled: list[Turn]) -> Iterator[str]:
    before, now = (min(turn.saw["p99_ms"] for turn in turns) for turns in (quiet, troubled))
    if now > MOST_LATER * before + SLACK_MS:
        yield f"p99 {now} ms, {before} ms without them"


CHECKS = {
    "a reader missed an event": missed,
    "who does not read is not closed": not_closed,
    "memory of the stream grew": grew,
    "readers got it later": later,
}


def examine(quiet: list[Turn], troubled: list[Turn]) -> list[Finding]:
    return [Finding(name, list(check(quiet, troubled))) for name, check in CHECKS.items()]


def controls(quiet: list[Turn], troubled: list[Turn]) -> dict[str, str]:
    first, *others = troubled
    slow = [
        replace(turn, saw=turn.saw | {"p99_ms": turn.saw["p99_ms"] * MOST_LATER + 2 * SLACK_MS * 9})
        for turn in troubled
    ]
    damaged = {
        "a reader missed an event": [replace(first, saw=first.saw | {"holes": 1}), *others],
        "who does not read is not closed": [
            replace(first, closed_after=[None, *first.closed_after[1:]]),
            *others,
        ],
        "memory of the stream grew": [
            replace(first, most_mb=first.most_mb + MOST_GROWTH_MB + 99),
            *others,
        ],
        "readers got it later": slow,
    }
    before, said = red(examine(quiet, troubled)), {}
    for name, broken in damaged.items():
        turned = red(examine(quiet, broken)) - before
        said[name] = "red" if turned == {name} else f"WRONG: {', '.join(sorted(turned)) or 'green'}"
    return said


def slow(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    """Four turns, without and with clients that stop reading."""
    made = stack.enter_context(installation(folder, picture_mb=64))
    login = made.login()
    key = cameras_and_keys(made.server, login, 1)[0]["key"]
    chance = chance_for(options.seed, "slow")
    quiet: list[Turn] = []
    troubled: list[Turn] = []
    for turns, count in ((quiet, 0), (troubled, options.stopping)) * 2:
        turn = take_turn(made, f"Token {login}", key, chance, options, count)
        turns.append(turn)
        closed = [after for after in turn.closed_after if after is not None]
        print(
            f"{count} stop reading: {turn.sent} events, {turn.saw}; at most {turn.most_mb:.0f} MB; "
            f"{len(closed)} closed, at the latest {max(closed, default=0):.1f} s after their buffer was full",
            flush=True,
        )
    return tell_findings(examine(quiet, troubled), controls(quiet, troubled))
