"""Retention and erasure while events come in: all that is due goes without a trace, the rest stays."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import json
import random
import threading
import time
import uuid
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from ledger.edge import INGEST, STORED, form, picture, post
from ledger.evidence import stored_files
from ledger.installation import (
    Installation,
    cameras_and_keys,
    chance_for,
    installation,
    set_up_django,
)
from ledger.keeping import Found, Rules, Seen, damaged, held_by, judge
from ledger.lock_watch import LockWatch
from ledger.report import tell_findings
from ledger.residues import miscounted, residues, rows_without_event
from ledger.retention_world import fill, place_holds, seen, set_policies

ERASED_PLATES = 5
BETWEEN_ERASURES_S = 0.8


class Pace(threading.Thread):
    """Sends events with a picture at an even pace, and notes how long each took."""

    def __init__(self, port: int, key: str, rate: float, chance: random.Random) -> None:
        super().__init__(daemon=True)
        self.port, self.rate, self.chance = port, rate, chance
        self.headers = {"Authorization": f"Api-Key {key}"}
        self.stopping = threading.Event()
        self.took: list[tuple[float, float]] = []
        self.acknowledged: list[int] = []

    def run(self) -> None:
        due = time.monotonic()
        while not self.stopping.wait(max(0.0, due - time.monotonic())):
            due = max(due + 1 / self.rate, time.monotonic() - 1)
            event = {
                "event_id": str(uuid.uuid4()),
                "plate": "".join(self.chance.choices("BCDFGHJKLMNP", k=12)),
                "confidence": 0.9,
                "captured_at": datetime.now(UTC).isoformat(),
            }
            body, content_type = form(event, {"frame": picture(self.chance, 48)})
            begun = time.monotonic()
            status, answer = post(
                self.port, INGEST, body, self.headers | {"Content-Type": content_type}
            )
            self.took.append((begun, time.monotonic() - begun))
            if status in STORED:
                self.acknowledged.append(json.loads(answer)["id"])

    def percentile(self, since: float, until: float, share: float) -> float:
        took = sorted(took for begun, took in self.took if since <= begun < until)
        return took[int(len(took) * share)] if took else 0.0


def erase(made: Installation, headers: dict[str, str], plates: list[str]) -> list[float]:
    """Erase the plates by the API, one after the other; return the seconds of each request."""
    took = []
    for plate in plates:
        # While the purge is under way, whose start takes a while.
        time.sleep(BETWEEN_ERASURES_S)
        is_complete = False
        while not is_complete:
            begun = time.monotonic()
            body = {"plate": plate, "reason": "request of the holder"}
            is_complete = made.server.json("POST", "/api/v1/plates/erase", body, **headers)[
                "complete"
            ]
            took.append(time.monotonic() - begun)
    return took


def wait_until_seen(seconds: float = 60) -> None:
    """Wait until the worker has counted what came last."""
    from events.models import EventReceipt

    deadline = time.monotonic() + seconds
    while EventReceipt.objects.waiting().exists() and time.monotonic() < deadline:
        time.sleep(0.1)


def to_erase(before: list[Seen], held: frozenset[int]) -> list[str]:
    """Choose the most frequent plates of which no event is held and one has pictures."""
    with_hold = {event.plate for event in before if event.id in held}
    with_pictures = {event.plate for event in before if event.pictures}
    counts = Counter(event.plate for event in before)
    found = [plate for plate, _ in counts.most_common() if plate in with_pictures - with_hold]
    return found[:ERASED_PLATES]


def residue_control(before: list[Seen], logs: list[Path], vanished: set[str]) -> str:
    """Hide a vanished plate in a text of the database; the scan must come upon it."""
    from django.db import transaction

    from exporters.models import ExporterConfig

    plate = min(vanished)
    with transaction.atomic():
        ExporterConfig.objects.update(last_error=f"topic anpr/7/{plate[:2]} {plate[2:]} refused")
        found = residues(vanished, logs)
        transaction.set_rollback(True)
    return "red" if len(found) == 1 and plate in found[0] else f"WRONG: {found[:3]}"


def retention(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    made = stack.enter_context(installation(folder, picture_mb=1024))
    headers = {"Authorization": f"Token {made.login()}"}
    sensor = cameras_and_keys(made.server, headers["Authorization"].split()[1], 1)[0]
    set_up_django(made)
    from events.models import ERASED, EventReceipt

    stored = fill(options.events, options.pictures, options.seed, chance_for(options.seed, "fill"))
    before = seen()
    days = set_policies(made, headers)
    holds = place_holds(made, headers, before, options.held)
    held = held_by(holds, before)
    erased = to_erase(before, held)

    pace = Pace(made.server.port, sensor["key"], options.rate, chance_for(options.seed, "pace"))
    pace.start()
    time.sleep(options.before)
    watch = LockWatch(made.postgres.address)
    watch.start()
    began, purge_at = datetime.now(UTC), time.monotonic()
    purge = threading.Thread(target=lambda: print(made.server.manage("prune_events").strip()))
    purge.start()
    requests = erase(made, headers, erased)
    purge.join()
    ended_at = time.monotonic()
    watch.stopping.set()
    watch.join()
    pace.stopping.set()
    pace.join()
    wait_until_seen()

    rules = Rules(days, held, frozenset(erased), began, datetime.now(UTC))
    after = {event.id: event for event in seen()}
    vanished = {event.plate for event in before} - {event.plate for event in after.values()}
    logs = [folder / "server.log", *(folder / "var").glob("*.log")]
    theirs = [event.id for event in before if event.plate in rules.erased]
    receipts = EventReceipt.objects.filter(pk__in=theirs).exclude(content_sha256=ERASED)
    p99 = [pace.percentile(0, purge_at, 0.99), pace.percentile(purge_at, ended_at, 0.99)]
    found = Found(
        rules=rules,
        before=tuple(before),
        after=after,
        stored=stored,
        files=stored_files(made.storage.uploads),
        told=tuple(f"receipt {receipt.pk}" for receipt in receipts),
        acknowledged=tuple(pace.acknowledged),
        residues=tuple(residues(vanished, logs)),
        loose=tuple(rows_without_event()),
        miscounted=tuple(miscounted()),
        slower=p99[1] / p99[0],
        waited_s=watch.longest,
    )
    tell(found, pace, (purge_at, ended_at), requests, len(holds))
    print(*watch.tell(), sep="\n")
    print(f"{len(vanished)} plates vanished")
    limits = {"slower": options.slower, "waits_s": options.waits}
    said = {"vanished plate still there": residue_control(before, logs, vanished)}
    findings = judge(found, **limits)
    already = {one.check for one in findings if one.problems}
    for check, wrong in damaged(found).items():
        turned = {one.check for one in judge(wrong, **limits) if one.problems}
        turned -= already - {check}
        said[check] = "red" if turned == {check} else f"WRONG: {turned or 'green'}"
    return tell_findings(findings, said)


def tell(
    found: Found,
    pace: Pace,
    purge: tuple[float, float],
    requests: list[float],
    holds: int,
) -> None:
    held = len(found.rules.held)
    gone = sum(event.id not in found.after for event in found.before)
    theirs = sum(event.plate in found.rules.erased for event in found.before)
    print(
        f"{len(found.before)} events of {len({e.plate for e in found.before})} plates, "
        f"{len(found.stored)} pictures, {held} events held ({held / len(found.before):.1%}) by "
        f"{holds} holds\n{gone} events gone in {purge[1] - purge[0]:.1f} s, of them "
        f"{theirs} of {len(found.rules.erased)} erased plates, the longest request "
        f"{max(requests):.2f} s\n"
        f"{len(pace.took)} events sent meanwhile, {len(pace.acknowledged)} acknowledged"
    )
    for name, since, until in (("before", 0.0, purge[0]), ("during", *purge)):
        shares = [pace.percentile(since, until, share) * 1000 for share in (0.5, 0.95, 0.99)]
        print(
            f"ingest {name} the purge: p50, p95, p99 {', '.join(f'{ms:.0f}' for ms in shares)} ms"
        )
    print(f"longest wait for a lock: {found.waited_s:.2f} s")
