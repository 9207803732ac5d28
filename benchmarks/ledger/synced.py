"""What the kernel saw before each acknowledgement: pictures, their folder and the log were synced."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from product import family

from ledger.checks import Finding, red
from ledger.edge import INGEST, form, picture, post
from ledger.installation import Installation, cameras_and_keys, chance_for, installation
from ledger.poison import event
from ledger.report import tell_findings

CALLS = "fsync,fdatasync,sendto,sendmsg,write,writev"
PICTURES, WARM_UP = 2, 10
SETTINGS = ("fsync", "synchronous_commit", "full_page_writes")
# What a line of the trace is about; the first that fits counts.
STEPS = {
    "file": r"fsync\(\d+<\S*/uploads/\S+\.\w+>",
    "folder": r"fsync\(\d+<\S*/uploads/[\d/]*>",
    "insert": r'sendto\(.*\[\{\\"sensor_id\\":',
    "log": r"(?:fsync|fdatasync)\(\d+<\S*/pg_wal/",
    "stored": r"sendto\(.*INSERT 0 1\\0Z",
    "answer": r'"HTTP/1\.1 201',
}


@dataclass(frozen=True)
class Traced:
    """The steps of all requests in their order, and PostgreSQL's settings."""

    sent: int
    steps: list[str]
    settings: dict[str, str]

    def requests(self) -> Iterator[list[str]]:
        """The steps up to each answer."""
        since: list[str] = []
        for step in self.steps:
            since.append(step)
            if step == "answer":
                yield since
                since = []


def _between(steps: list[str], after: str, before: str) -> list[str]:
    """The steps after the first of a kind, or all, and before the last of another."""
    if before not in steps:
        return []
    start = steps.index(after) if after in steps else 0
    return steps[start : len(steps) - 1 - steps[::-1].index(before)]


def _told(traced: Traced, is_wrong: Callable[[list[str]], bool]) -> Iterator[str]:
    for number, steps in enumerate(traced.requests()):
        if is_wrong(steps):
            yield f"request {number}: {' '.join(steps)}"


def unanswered(traced: Traced) -> Iterator[str]:
    count = sum(1 for _ in traced.requests())
    if count != traced.sent:
        yield f"{traced.sent} sent, {count} answers traced"


def files(traced: Traced) -> Iterator[str]:
    def is_wrong(steps: list[str]) -> bool:
        return _between(steps, "", "insert").count("file") < PICTURES

    yield from _told(traced, is_wrong)


def folder_of_them(traced: Traced) -> Iterator[str]:
    def is_wrong(steps: list[str]) -> bool:
        return "folder" not in _between(steps, "file", "insert")

    yield from _told(traced, is_wrong)


def log(traced: Traced) -> Iterator[str]:
    """By any process of PostgreSQL: one flush is for all that wait for it."""

    def is_wrong(steps: list[str]) -> bool:
        stored = _between(steps, "insert", "answer")
        return "stored" not in stored or "log" not in stored[: stored.index("stored")]

    yield from _told(traced, is_wrong)


def switched_off(traced: Traced) -> Iterator[str]:
    yield from (f"{name} is {value}" for name, value in traced.settings.items() if value != "on")


CHECKS = {
    "an answer was not traced": unanswered,
    "a picture not synced before its row": files,
    "its folder not synced before its row": folder_of_them,
    "the log not synced before the answer": log,
    "PostgreSQL told not to sync": switched_off,
}


def examine(traced: Traced) -> list[Finding]:
    return [Finding(name, list(check(traced))) for name, check in CHECKS.items()]


def controls(traced: Traced) -> dict[str, str]:
    """Take one kind of step out of the trace, as eatmydata would."""

    def without(kind: str) -> Traced:
        return replace(traced, steps=[step for step in traced.steps if step != kind])

    damaged = {
        "an answer was not traced": replace(traced, sent=traced.sent + 1),
        "a picture not synced before its row": replace(
            traced, steps=[s for at, s in enumerate(traced.steps) if at != _first(traced, "file")]
        ),
        "its folder not synced before its row": without("folder"),
        "the log not synced before the answer": without("log"),
        "PostgreSQL told not to sync": replace(traced, settings={"fsync": "off"}),
    }
    before, said = red(examine(traced)), {}
    for name, broken in damaged.items():
        turned = red(examine(broken)) - before
        said[name] = "red" if turned == {name} else f"WRONG: {', '.join(sorted(turned)) or 'green'}"
    return said


def _first(traced: Traced, kind: str) -> int:
    return next(at for at, step in enumerate(traced.steps) if step == kind)


@contextmanager
def tracing(made: Installation, file: Path) -> Iterator[None]:
    """Trace the API and PostgreSQL with all that they start, into one file."""
    api = made.pid("api")
    assert api is not None and made.postgres.process is not None  # noqa: S101, PT018 - types
    pids = [*family(api), *family(made.postgres.process.pid)]
    command = ["strace", "-f", "-y", "-s", "200", "-e", f"trace={CALLS}", "-o", str(file)]
    tracer = subprocess.Popen(  # noqa: S603 - our own command
        [*command, *(f"-p{pid}" for pid in pids)], stderr=subprocess.DEVNULL
    )
    time.sleep(3)  # until it has them all
    try:
        yield
    finally:
        tracer.terminate()
        tracer.wait()


def steps_in(file: Path) -> Iterator[str]:
    for line in file.read_text(errors="replace").splitlines():
        step = next((name for name, form in STEPS.items() if re.search(form, line)), None)
        if step:
            yield step


def synced(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    """Send one event after the other, with two pictures, under the eyes of strace."""
    if shutil.which("strace") is None:
        raise SystemExit("This part needs strace.")
    made = stack.enter_context(installation(folder, picture_mb=64, also={"API_WORKERS": "1"}))
    key = cameras_and_keys(made.server, made.login(), 1)[0]["key"]
    chance = chance_for(options.seed, "synced")

    def send(number: int) -> int | None:
        pictures = {name: picture(chance, 40) for name in ("frame", "crop")}
        body, kind = form(event(chance, f"AB{number}"), pictures)
        headers = {"Authorization": f"Api-Key {key}", "Content-Type": kind}
        return post(made.server.port, INGEST, body, headers)[0]

    for number in range(WARM_UP):  # makes the folder of the hour, and prepares the statement
        send(number)
    trace = folder / "trace"
    with tracing(made, trace):
        answers = [send(WARM_UP + number) for number in range(options.events)]
    told = {name: made.postgres.shows(name) for name in SETTINGS}
    traced = Traced(answers.count(201), list(steps_in(trace)), told)
    print(f"{traced.sent} events acknowledged of {len(answers)}; PostgreSQL: {told}")
    print(dict(Counter(traced.steps)))
    return tell_findings(examine(traced), controls(traced))
