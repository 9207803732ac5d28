"""Who looked: every look is written down, the log cannot be bent, and evidence cannot be either."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import io
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

from ledger.book import Book, read
from ledger.checks import Finding
from ledger.drill import send
from ledger.installation import (
    Installation,
    cameras_and_keys,
    chance_for,
    installation,
    set_up_django,
)
from ledger.report import tell_findings
from ledger.tampering import TAMPERINGS, is_found

PATHS = (
    "/api/v1/events?plate=*A*",
    "/api/v1/events/{id}",
    "/api/v1/events/{id}/frame",
    "/api/v1/events/{id}/crop?original=1",
    "/api/v1/events/stats",
    "/api/v1/events/export?format=ndjson&plate=A*",
    "/api/v1/events/evidence?event={id}",
)


# The supervisor keeps away what dies sooner than five seconds after its start.
BETWEEN_KILLS_S = (5.5, 7.5)
# So that many kills fall among few looks.
BETWEEN_LOOKS_S = 0.05


class Killer(threading.Thread):
    """Kills the API now and then while it answers."""

    def __init__(self, made: Installation, chance: random.Random) -> None:
        super().__init__()
        self.made, self.chance = made, chance
        self.kills, self.stopping = 0, threading.Event()

    def run(self) -> None:
        while not self.stopping.wait(self.chance.uniform(*BETWEEN_KILLS_S)):
            self.kills += self.made.signal("api", signal.SIGKILL)
            self.made.wait_until_ready()


def look(
    made: Installation, token: str, ids: list[int], count: int, chance: random.Random
) -> dict[str, bool]:
    """Look so many times, each with a reason of its own; return which were answered whole."""
    answered = {}
    for number in range(count):
        reason = f"look {number}"
        path = chance.choice(PATHS).format(id=chance.choice(ids))
        headers = {"Authorization": f"Token {token}", "X-Search-Reason": quote(reason)}
        status, _ = made.server.call("GET", path, headers=headers)
        answered[reason] = status == 200
        if status != 200:
            made.wait_until_ready()
        time.sleep(BETWEEN_LOOKS_S)
    return answered


def judge_looks(answered: dict[str, bool], reasons: Iterable[str]) -> list[Finding]:
    entries = Counter(reasons)
    return [
        Finding("look without its entry", [r for r, ok in answered.items() if ok > entries[r]]),
        Finding("look with two entries", [r for r, times in entries.items() if times > 1]),
    ]


def bend_log(heads: Path, count: int, chance: random.Random) -> tuple[list[Finding], str]:
    """Tamper so many times; return what was not found, by kind."""
    missed: dict[str, list[str]] = {name: [] for name in TAMPERINGS}
    done: Counter[str] = Counter()
    for number in range(count):
        name = list(TAMPERINGS)[number % len(TAMPERINGS)]
        what, found = is_found(TAMPERINGS[name], heads, chance)
        done[name] += 1
        if not found:
            missed[name].append(what)
    told = ", ".join(f"{number} {name}" for name, number in done.items())
    return [Finding(f"{name}, not found", problems) for name, problems in missed.items()], told


def flips_missed(data: bytes, keys: list[bytes], count: int, chance: random.Random) -> list[str]:
    """Flip one bit at a time; return those that the verifier did not see."""
    from evidence.verify_evidence import problems_of

    missed = []
    for _ in range(count):
        bit = chance.randrange(len(data) * 8)
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        if not problems_of(io.BytesIO(changed), keys)[0]:
            missed.append(f"bit {bit}")
    return missed


def packages(
    made: Installation, token: str, ids: list[int], count: int
) -> tuple[list[bytes], list[bytes]]:
    headers = {"Authorization": f"Token {token}"}
    keys = made.server.json("GET", "/api/v1/evidence/keys", **headers)
    taken = []
    for first in range(count):
        query = "&".join(f"event={pk}" for pk in ids[first : first + 3])
        status, data = made.server.call("GET", f"/api/v1/events/evidence?{query}", headers=headers)
        if status != 200:
            raise RuntimeError(data[:500])
        taken.append(data)
    return taken, [bytes.fromhex(key["public_key"]) for key in keys]


def looks(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    from evidence.verify_evidence import problems_of

    made = stack.enter_context(installation(folder, picture_mb=256))
    token = made.login()
    book = Book(folder / "ledger.jsonl")
    send(made, cameras_and_keys(made.server, token, 1)[0], book, 20, options.seed)
    ids = [entry.id for entry in read(book.path) if entry.id and entry.frame and entry.crop]
    killer = Killer(made, chance_for(options.seed, "kills"))
    killer.start()
    answered = look(made, token, ids, options.looks, chance_for(options.seed, "looks"))
    killer.stopping.set()
    killer.join()
    made.wait_until_ready()
    taken, keys = packages(made, token, ids, 10)
    made.server.kill()

    set_up_django(made)
    from django.core.management import call_command

    from audit.models import AuditEntry

    call_command("sign_audit_head", stdout=io.StringIO())
    heads = folder / "var" / "audit-heads.log"
    reasons = list(AuditEntry.objects.exclude(reason="").values_list("reason", flat=True))
    findings = judge_looks(answered, reasons)
    chance = chance_for(options.seed, "tampering")
    findings.append(Finding("untouched log refused", untouched(heads, chance)))
    bent, told = bend_log(heads, options.count, chance)
    findings += bent
    refused = [f"{len(data)} bytes" for data in taken if problems_of(io.BytesIO(data), keys)[0]]
    findings.append(Finding("untouched package refused", refused))
    missed = flips_missed(taken[0], keys, options.count, chance_for(options.seed, "flips"))
    findings.append(Finding("flipped bit, not found", missed))
    print(
        f"\n{len(answered)} looks, {sum(answered.values())} answered, {killer.kills} kills of the "
        f"API, {AuditEntry.objects.count()} entries in the log\ntampered: {told}\n"
        f"{options.count} bits flipped in a package of {len(taken[0])} bytes, {len(taken)} packages"
    )
    return tell_findings(findings, controls(answered, reasons, heads, taken[0], keys))


def untouched(heads: Path, chance: random.Random) -> list[str]:
    what, found = is_found(lambda entries, chance: "untouched", heads, chance)
    return [what] if found else []


def controls(
    answered: dict[str, bool], reasons: list[str], heads: Path, data: bytes, keys: list[bytes]
) -> dict[str, str]:
    """What each check says when the thing that it looks for is there (or the damage is not)."""
    from evidence.verify_evidence import problems_of

    chance = random.Random(1)  # noqa: S311 - must be repeatable
    one = next(reason for reason, ok in answered.items() if ok)
    without = judge_looks(answered, [reason for reason in reasons if reason != one])
    doubled = judge_looks(answered, [*reasons, one])
    nothing_done = is_found(lambda entries, chance: "nothing", heads, chance)[1]
    altered = is_found(TAMPERINGS["altered"], heads, chance)[1]
    damaged = bool(problems_of(io.BytesIO(data[:-1]), keys)[0])
    whole = bool(problems_of(io.BytesIO(data), keys)[0])
    red = {
        "look without its entry": bool(without[0].problems) and not without[1].problems,
        "look with two entries": bool(doubled[1].problems) and not doubled[0].problems,
        "untouched log refused": altered,
        "untouched package refused": damaged,
        "flipped bit, not found": not whole,
    } | {f"{name}, not found": not nothing_done for name in TAMPERINGS}
    return {name: "red" if is_red else "WRONG: green" for name, is_red in red.items()}
