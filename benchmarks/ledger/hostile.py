"""Sends thousands of hostile uploads to the running product, and looks for any that did harm."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from PIL import Image

from ledger.checks import Finding, red
from ledger.edge import INGEST, post
from ledger.evidence import Row, stored_files, stored_rows
from ledger.installation import (
    Installation,
    cameras_and_keys,
    chance_for,
    installation,
    set_up_django,
)
from ledger.report import tell_findings
from ledger.uploads import Upload, bad_forms, bad_pictures, good_uploads, pictures, uploads

LONGEST_S = 2.0
MOST_GROWTH_MB = 150
SHOWN = 200
TAKEN = {201}


@dataclass
class Answered:
    name: str
    must: str
    status: int | None
    seconds: float


@dataclass
class Harm:
    """What is there to be judged when all are sent."""

    answers: list[Answered]
    workers: tuple[set[int], set[int]]
    growth_mb: float
    rows: list[Row]
    files: dict[str, str]
    shown: list[int]
    folder: Path
    # Slower machines get more time: what the slowest good upload took, before.
    allowance_s: float = LONGEST_S
    notes: list[str] = field(default_factory=list)


def failed(harm: Harm) -> list[str]:
    return [f"{a.name}: {a.status}" for a in harm.answers if a.status is None or a.status >= 500]


def slow(harm: Harm) -> list[str]:
    return [f"{a.name}: {a.seconds:.1f} s" for a in harm.answers if a.seconds > harm.allowance_s]


def died(harm: Harm) -> list[str]:
    before, after = harm.workers
    return [f"process {pid}" for pid in before - after]


def grown(harm: Harm) -> list[str]:
    return [f"{harm.growth_mb:.0f} MB"] if harm.growth_mb > MOST_GROWTH_MB else []


def left(harm: Harm) -> list[str]:
    known = {name for row in harm.rows for name in (row.frame, row.crop)}
    return sorted(harm.files.keys() - known)


def no_picture(harm: Harm) -> list[str]:
    found = []
    for row in harm.rows:
        for name in filter(None, (row.frame, row.crop)):
            try:
                with Image.open(harm.folder / name, formats=["JPEG", "PNG", "WEBP"]) as image:
                    image.verify()
            except (OSError, SyntaxError, ValueError) as error:
                # Broken inside, but what it says it is: shown to nobody, and kept as evidence.
                if "cannot identify" in str(error) or isinstance(error, FileNotFoundError):
                    found.append(f"{name}: {error}")
    return found


def wrongly_refused(harm: Harm) -> list[str]:
    return [
        f"{a.name}: {a.status}" for a in harm.answers if a.must == "taken" and a.status not in TAKEN
    ]


def wrongly_taken(harm: Harm) -> list[str]:
    return [
        f"{a.name}: {a.status}"
        for a in harm.answers
        if a.must == "refused" and (a.status or 0) < 400
    ]


def shown_badly(harm: Harm) -> list[str]:
    return [f"{status}" for status in harm.shown if status not in {200, 404}]


CHECKS = {
    "failure of the server": failed,
    "answer took too long": slow,
    "process died": died,
    "memory grew": grown,
    "file left behind": left,
    "stored, but no picture": no_picture,
    "good picture refused": wrongly_refused,
    "bad upload taken": wrongly_taken,
    "stored picture breaks the display": shown_badly,
}


def examine(harm: Harm) -> list[Finding]:
    return [Finding(name, check(harm)) for name, check in CHECKS.items()]


def controls(harm: Harm) -> dict[str, str]:
    """Claim one harm after the other; exactly its check has to see it."""
    first = harm.answers[0]
    stored = next(row.frame for row in harm.rows if row.frame)
    text = harm.folder / "no-picture.png"
    text.write_text("no picture")
    liar = harm.rows[0]._replace(frame=text.name, crop="")
    damaged = {
        "failure of the server": replace(harm, answers=[replace(first, must="either", status=500)]),
        "answer took too long": replace(harm, answers=[replace(first, seconds=1e9)]),
        "process died": replace(harm, workers=({1, *harm.workers[0]}, harm.workers[1] - {1})),
        "memory grew": replace(harm, growth_mb=MOST_GROWTH_MB + 1),
        "file left behind": replace(harm, files=harm.files | {f"{stored}.part": ""}),
        "stored, but no picture": replace(harm, rows=[*harm.rows, liar]),
        "good picture refused": replace(harm, answers=[replace(first, must="taken", status=415)]),
        "bad upload taken": replace(harm, answers=[replace(first, must="refused", status=201)]),
        "stored picture breaks the display": replace(harm, shown=[500]),
    }
    before = red(examine(harm))
    said = {}
    for name, claimed in damaged.items():
        turned = red(examine(claimed)) - before
        said[name] = "red" if turned == {name} else f"WRONG: {', '.join(sorted(turned)) or 'green'}"
    text.unlink()
    return said


def workers(made: Installation) -> set[int]:
    """The processes that answer the API."""
    leader = made.pid("api")
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if leader is not None and os.getpgid(int(folder.name)) == leader:
                found.add(int(folder.name))
    return found


def memory_mb(pids: set[int]) -> float:
    """The most that any of them has held."""
    peak = 0
    for pid in pids:
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                peak = max(peak, int(line.split()[1]) if line.startswith("VmHWM") else 0)
    return peak / 1024


@dataclass
class Sender:
    port: int
    key: str
    answers: list[Answered] = field(default_factory=list)

    def send(self, upload: Upload) -> None:
        headers = {"Authorization": f"Api-Key {self.key}", "Content-Type": upload.content_type}
        begun = time.monotonic()
        status, _ = post(self.port, INGEST, upload.body, headers)
        took = time.monotonic() - begun
        self.answers.append(Answered(upload.name, upload.must, status, took))

    def send_mutations(self, known: list[bytes], count: int, number: int) -> None:
        quick = settings(
            max_examples=count,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        quick(seed(number)(given(uploads(known))(self.send)))()


def shown(made: Installation, token: str, rows: list[Row]) -> list[int]:
    headers = {"Authorization": f"Token {token}"}
    return [
        made.server.call("GET", f"/api/v1/events/{row.id}/{kind}", headers=headers)[0]
        for row in [row for row in rows if row.frame or row.crop][-SHOWN:]
        for kind in ("frame", "crop")
    ]


def hostile(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    """Send them all, then look at what is left."""
    made = stack.enter_context(installation(folder, picture_mb=1024))
    token = made.login()
    key = cameras_and_keys(made.server, token, 1)[0]["key"]
    sender, chance = Sender(made.server.port, key), chance_for(options.seed, "hostile")
    for upload in good_uploads(chance, options.good):
        sender.send(upload)
    pids = workers(made)
    before, typical = memory_mb(pids), max(answer.seconds for answer in sender.answers)
    for upload in [*bad_pictures(chance), *bad_forms(chance)]:
        sender.send(upload)
    count = max(0, options.uploads - len(sender.answers))
    sender.send_mutations(pictures(chance), count, options.seed)
    set_up_django(made)
    rows = stored_rows()
    harm = Harm(
        answers=sender.answers,
        workers=(pids, workers(made)),
        growth_mb=memory_mb(pids) - before,
        rows=rows,
        files=stored_files(made.storage.uploads),
        shown=shown(made, token, rows),
        folder=made.storage.uploads,
        allowance_s=max(LONGEST_S, 3 * typical),
    )
    statuses = Counter(str(answer.status) for answer in harm.answers)
    print(f"{len(harm.answers)} uploads: {json.dumps(statuses, sort_keys=True)}")
    slowest = max(harm.answers, key=lambda answer: answer.seconds)
    print(f"slowest {slowest.seconds:.2f} s ({slowest.name}); slowest good one {typical:.2f} s")
    print(f"memory of a process grew by at most {harm.growth_mb:.0f} MB; {len(rows)} events stored")
    return tell_findings(examine(harm), controls(harm) if options.controls else None)
