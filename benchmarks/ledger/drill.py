"""The drill: back up while events come in, lose everything, restore, and compare with the ledger."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from delivering import receiver
from product import ROOT

from anpr_project.tests.servers import postgres_tool
from ledger.arrivals import Arrival, WebhookWitness
from ledger.attack import make_exporters, wait_until_drained
from ledger.book import Book, Entry, read
from ledger.checks import Finding
from ledger.edge import Allowance, Habits, Sensor
from ledger.evidence import Row, stored_files, stored_rows
from ledger.installation import (
    Installation,
    cameras_and_keys,
    chance_for,
    installation,
    set_up_django,
)
from ledger.report import tell_findings

LONGEST_WAIT_S = 120


def manage(made: Installation, *arguments: str) -> str:
    environment = os.environ | made.server.extra | {"DATA_DIR": str(made.folder / "var")}
    tools = ["--postgres-tools", str(Path(postgres_tool("postgres")).parent)]
    result = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, str(ROOT / "manage.py"), *arguments, *tools],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    if result.returncode:
        raise RuntimeError(result.stderr[-2000:])
    return result.stdout.strip()


def send(made: Installation, edge: dict[str, str], book: Book, count: int, seed: int) -> None:
    """Send so many events, each with pictures, and wait until all are acknowledged."""
    sensor = Sensor(
        number=int(edge["sensor"]),
        key=edge["key"],
        port=made.server.port,
        book=book,
        allowance=Allowance(count),
        chance=chance_for(seed, "drill"),
        pause_s=0.005,
        habits=Habits(without_picture=0.1, gives_up=0, sends_again=0, sends_other_content=0),
    )
    sensor.start()
    sensor.join()


def judge(
    before: list[Entry], every: list[Entry], rows: list[Row], files: dict[str, str]
) -> list[Finding]:
    """What was acknowledged before the backup began has to be back, whole; and nothing else."""
    stored = {row.key: row for row in rows}
    sent = {entry.key: entry for entry in every}
    lost = [entry.event_id for entry in before if entry.key not in stored]
    pairs = [(row, sent[row.key]) for row in rows if row.key in sent]
    differs = [
        row.event_id
        for row, entry in pairs
        if (files.get(row.frame, ""), files.get(row.crop, "")) != (entry.frame, entry.crop)
    ]
    return [
        Finding("acknowledged before the backup, not restored", lost),
        Finding("restored, but never sent", [str(key) for key in stored.keys() - sent.keys()]),
        Finding("picture missing or different", differs),
    ]


def controls(
    before: list[Entry], every: list[Entry], rows: list[Row], files: dict[str, str]
) -> dict[str, str]:
    picture = next(row.frame for row in rows if row.frame)
    plain = next(row for row in rows if not row.frame and row.key in {e.key for e in before})
    damaged = {
        "acknowledged before the backup, not restored": ([r for r in rows if r != plain], files),
        "restored, but never sent": ([*rows, rows[0]._replace(event_id="never")], files),
        "picture missing or different": (rows, files | {picture: "other"}),
    }
    said = {}
    for name, (changed_rows, changed_files) in damaged.items():
        found = judge(before, every, changed_rows, changed_files)
        turned = {finding.check for finding in found if finding.problems}
        said[name] = "red" if turned == {name} else f"WRONG: {turned or 'green'}"
    return said


def after_restore(
    last: int, new: list[Row], expected: list[str], arrivals: list[Arrival]
) -> list[Finding]:
    """What the documentation says of streams and exporters."""
    again = [str(row.position) for row in new if (row.position or 0) <= last]
    ids: dict[str, set[str]] = {}
    for arrival in arrivals:
        ids.setdefault(arrival.event_id, set()).add(arrival.message_id)
    missing = [event_id for event_id in expected if event_id not in ids]
    other = [event_id for event_id, names in ids.items() if len(names) > 1]
    return [
        Finding("a position given a second time", again),
        Finding("restored event that no sink got", missing),
        Finding("sent again under another message id", other),
    ]


def lose_everything(made: Installation) -> None:
    made.server.kill()
    made.postgres.destroy()
    shutil.rmtree(made.storage.uploads)


def drill(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    made = stack.enter_context(installation(folder, picture_mb=1024))
    token = made.login()
    edge = cameras_and_keys(made.server, token, 1)[0]
    log = folder / "webhook.log"
    log.touch()
    url = stack.enter_context(receiver("--log", str(log)))
    make_exporters(made, token, {"webhook": {"url": url}})
    book = Book(folder / "ledger.jsonl")
    send(made, edge, book, options.events, options.seed)
    before = read(book.path)
    arguments = (made, edge, book, options.events, options.seed + 1)
    meanwhile = threading.Thread(target=send, args=arguments)
    meanwhile.start()
    begun = time.monotonic()
    print(manage(made, "backup", str(folder / "backup")))
    print(f"{time.monotonic() - begun:.1f} s for the backup, while events came in")
    meanwhile.join()
    set_up_django(made)
    wait_until_drained(LONGEST_WAIT_S)
    last = max(row.position or 0 for row in stored_rows())
    from django.db import connection

    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    lose_everything(made)
    begun = time.monotonic()
    print(manage(made, "restore", str(folder / "backup")))
    print(f"{time.monotonic() - begun:.1f} s for the restore")
    every = read(book.path)
    rows, files = stored_rows(), stored_files(made.storage.uploads)
    findings = judge(before, every, rows, files)
    shown = controls(before, every, rows, files)
    made.server.start()
    send(made, edge, book, 50, options.seed + 2)
    wait_until_drained(LONGEST_WAIT_S)
    restored = {row.key for row in rows}
    new = [row for row in stored_rows() if row.key not in restored]
    arrivals = WebhookWitness(log).arrivals()
    findings += after_restore(last, new, [row.event_id for row in rows], arrivals)
    print(
        f"{len(before)} events acknowledged before the backup, {len(every)} before the loss, "
        f"{len(rows)} restored with {len(files)} pictures, {len(new)} sent after it"
    )
    for check, wrong in (
        ("a position given a second time", after_restore(2**60, new, [], [])),
        ("restored event that no sink got", after_restore(0, new, ["never"], [])),
        (
            "sent again under another message id",
            after_restore(0, new, [], [Arrival(0, "a", True, "1"), Arrival(0, "a", True, "2")]),
        ),
    ):
        turned = {finding.check for finding in wrong if finding.problems}
        shown[check] = "red" if turned == {check} else f"WRONG: {turned or 'green'}"
    return tell_findings(findings, shown)
