"""The API dies at named steps between a picture's first byte and the answer; strace sees to it."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from product import ROOT, family

from ledger.edge import INGEST, form, picture, post
from ledger.evidence import age_and_sweep, receipts, stored_files, stored_rows
from ledger.installation import (
    Installation,
    cameras_and_keys,
    chance_for,
    installation,
    set_up_django,
)
from ledger.judging import controls, examine
from ledger.points_checks import CHECKS, Kill, Left, Sent, damaged
from ledger.poison import event
from ledger.report import tell_findings

AT_ONCE, WARM_UP, TURN_S, ENDING_S = 4, 8, 30, 3


@dataclass(frozen=True)
class Point:
    """A call on whose entry the kernel kills the process, the thread's how-many-th, and on what."""

    call: str
    number: int
    on: str


IN_THE_DATABASE = "INSERT under way in the database"
POINTS = {
    "first picture written": Point("fadvise64", 1, r"-frame\.png>"),
    "one picture synced": Point("fsync", 2, r"-crop\.png>"),
    "both synced, their folder not": Point("fsync", 3, r"/uploads/[\d/]+>"),
    "folder synced, before INSERT": Point("close", 3, r"/uploads/[\d/]+>"),
    "committed, before the answer": Point("writev", 1, r'"HTTP/1\.1 201'),
}


@dataclass
class Edge:
    """The one sensor, which sends several events at the same moment."""

    port: int
    key: str
    chance: random.Random

    def request(self) -> tuple[Sent, bytes, str]:
        pictures = {name: picture(self.chance, 40) for name in ("frame", "crop")}
        fields = event(self.chance, "AB1")
        hashes = tuple(sha256(pictures[name]).hexdigest() for name in ("frame", "crop"))
        sent = Sent(str(fields["event_id"]), (hashes[0], hashes[1]))
        return sent, *form(fields, pictures)

    def send(self, body: bytes, kind: str) -> tuple[int | None, bytes]:
        headers = {"Authorization": f"Api-Key {self.key}", "Content-Type": kind}
        return post(self.port, INGEST, body, headers)

    def send_together(self, requests: list[tuple[Sent, bytes, str]], when: str) -> None:
        """Send all at once, and note what each heard."""
        with ThreadPoolExecutor(len(requests)) as pool:
            answers = pool.map(lambda request: self.send(*request[1:]), requests)
        for (sent, *_), answer in zip(requests, answers, strict=True):
            sent.note(when, *answer)


def worker_of(made: Installation) -> int:
    """The process that answers the API; there is one."""
    api = made.pid("api")
    assert api is not None  # noqa: S101 - for the type checker
    return family(api)[-1]


@contextmanager
def by_strace(made: Installation, point: Point, trace: Path) -> Iterator[None]:
    """Kill the API's worker when one of its threads comes to the point."""
    command = ["strace", "-f", "-y", "-s", "60", "-e", f"trace={point.call}", "-o", str(trace)]
    command += ["-e", f"inject={point.call}:signal=KILL:when={point.number}"]
    tracer = subprocess.Popen(  # noqa: S603 - our own command
        [*command, "-p", str(worker_of(made))], stderr=subprocess.PIPE
    )
    assert tracer.stderr is not None  # noqa: S101 - for the type checker
    tracer.stderr.readline()  # it has them all
    try:
        yield
    finally:
        tracer.terminate()
        try:
            tracer.communicate(timeout=ENDING_S)
        except subprocess.TimeoutExpired:
            # It may wait for ever for the last thread of what it has killed; that waits for it.
            tracer.kill()
            tracer.communicate()


def died_at(point: Point, trace: Path) -> bool:
    """Whether the last call of some thread, of which it never came back, is the point's."""
    last: dict[str, str] = {}
    for line in trace.read_text(errors="replace").splitlines():
        thread, _, rest = line.partition(" ")
        # A call that was cut short may be said to go on, with no result.
        if point.call in rest and not ("resumed" in rest and rest.endswith("?")):
            last[thread] = rest
    return any(
        re.search(point.on, rest) and not re.search(r"= \d+$", rest) for rest in last.values()
    )


@contextmanager
def in_the_database(made: Installation) -> Iterator[None]:
    """Hold up the INSERT by a lock; kill the API's worker when it waits; then let it go on."""
    import psycopg

    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as pool, psycopg.connect(made.postgres.address) as connection:
        connection.execute("LOCK TABLE events_eventreceipt IN SHARE MODE")

        def kill() -> None:
            with psycopg.connect(made.postgres.address, autocommit=True) as other:
                while not (other.execute(waiting).fetchone() or [0])[0]:
                    time.sleep(0.02)
            os.kill(worker_of(made), signal.SIGKILL)
            time.sleep(0.1)
            connection.rollback()

        killed = pool.submit(kill)
        yield
        killed.result()


def away_from_the_turn() -> None:
    """The first events of an hour sync more folders than the point counts."""
    left = 3600 - datetime.now(UTC).timestamp() % 3600
    if left < TURN_S:
        time.sleep(left + 1)


def kill_at(made: Installation, edge: Edge, name: str, trace: Path) -> Kill:
    away_from_the_turn()
    for _ in range(WARM_UP // AT_ONCE):
        edge.send_together([edge.request() for _ in range(AT_ONCE)], "first")
    requests = [edge.request() for _ in range(AT_ONCE)]
    point = POINTS.get(name)
    room = by_strace(made, point, trace) if point else in_the_database(made)
    with room:
        edge.send_together(requests, "first")
    begun = time.monotonic()
    made.wait_until_ready()
    back_s = time.monotonic() - begun
    time.sleep(0.2)  # what went on without its client comes to its end
    there, files = {row.event_id: row for row in stored_rows()}, stored_files(made.storage.uploads)
    for sent, *_ in requests:
        sent.see(there.get(sent.event_id), files)
    for when in ("retry", "again"):
        edge.send_together(requests, when)
    was_there = point is None or died_at(point, trace)
    return Kill(name, [sent for sent, *_ in requests], is_at_point=was_there, back_s=back_s)


def tell(kills: list[Kill]) -> None:
    for name in dict.fromkeys(kill.point for kill in kills):
        all_of = [kill for kill in kills if kill.point == name]
        sent = [one for kill in all_of for one in kill.sent]
        acked = sum(one.heard["first"][0] == 201 for one in sent)
        retries = Counter(str(one.heard["retry"][0]) for one in sent)
        print(
            f"{name}: {len(all_of)} kills, {len(sent)} events, {acked} acknowledged, "
            f"{sum(one.is_there for one in sent)} stored; the retry heard {dict(retries)}; "
            f"back within {max(kill.back_s for kill in all_of):.1f} s"
        )


def points(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    """Kill at each point so many times, four events under way; then send them again, twice."""
    if shutil.which("strace") is None:
        raise SystemExit("This part needs strace.")
    made = stack.enter_context(installation(folder, picture_mb=128, also={"API_WORKERS": "1"}))
    key = cameras_and_keys(made.server, made.login(), 1)[0]["key"]
    edge = Edge(made.server.port, key, chance_for(options.seed, "points"))
    set_up_django(made)
    names = [*POINTS, IN_THE_DATABASE] * options.kills
    kills = [
        kill_at(made, edge, name, folder / f"trace.{number}") for number, name in enumerate(names)
    ]
    tell(kills)
    swept = age_and_sweep(made, [sys.executable, str(ROOT / "manage.py"), "prune_events"])
    print(swept)
    told = [event_id for _, event_id in receipts().values()]
    left = Left(kills, stored_rows(), told, stored_files(made.storage.uploads))
    return tell_findings(examine(CHECKS, left), controls(CHECKS, left, damaged(left)))
