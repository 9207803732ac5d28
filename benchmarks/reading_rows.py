"""P3 and P4: searches and statistics over HTTP, at two sizes of history side by side."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import groupby
from pathlib import Path

from findings import Finding
from processes import end
from product import Server, free_port
from reading import QUESTIONS, Question, Site, measure, percentile
from stacks import Machine

PLATES = 500
PIECE = 16 * 1024 * 1024
# History is older than the 90 days that the worker would leave.
SETTINGS = {"RETENTION_DAYS": "3650"}
# A person who may see events and nothing else, with a token.
MAKE_VIEWER = """
from django.contrib.auth.models import Group, User
from knox.models import AuthToken
viewer, _ = User.objects.get_or_create(username="viewer")
viewer.groups.add(Group.objects.get(name="Viewers"))
print(AuthToken.objects.create(viewer)[1])
"""


def short(events: int) -> str:
    return f"{events // 1_000_000}M" if events >= 1_000_000 else f"{events // 1000}k"


def load(on: Machine, name: str, events: int, settings: dict[str, str]) -> None:
    """Fill a new database, which gets its name when it is full: what has the name can be used."""
    print(f"    loading {events:,} events", flush=True)  # noqa: T201 - its output is its purpose
    on.change_databases(f"DROP DATABASE IF EXISTS {name}_loading")
    on.make_database(f"{name}_loading")
    settings = settings | {"POSTGRES_DB": f"{name}_loading"}
    loader = Server("serve", on.folder / name, free_port(), settings)
    loader.manage("migrate", "-v0")
    loader.manage("load_history", "--events", str(events))
    on.change_databases(f"ALTER DATABASE {name}_loading RENAME TO {name}")


@contextmanager
def history(on: Machine, events: int) -> Iterator[Site]:
    """The production processes over a database of their own that is full of history."""
    name = f"history_{events}"
    folder = on.folder / name
    folder.mkdir(exist_ok=True)
    extra = on.settings | SETTINGS | {"POSTGRES_DB": name, "STREAM_PORT": str(free_port())}
    if not on.has_database(name):
        load(on, name, events, extra)
    server = Server("serve", folder, free_port(), extra)
    server.manage("migrate", "-v0")
    token = server.manage("shell", "-v0", "-c", MAKE_VIEWER).split()[-1]
    server.start()
    assert server.process is not None  # noqa: S101 - for the type checker
    try:
        yield Site(short(events), server.url, token)
    finally:
        end(server.process)


def read_into_memory(data: Path) -> None:
    """Let the system have the database's files in its memory, as far as it has room.

    Else the disk would be measured, a block of history for each event that a search shows.
    """
    for file in (file for file in (data / "base").rglob("*") if file.is_file()):
        with file.open("rb") as content:
            while content.read(PIECE):
                pass


def reading(on: Machine, *, sizes: list[int], pairs: int, rounds: int) -> list[Finding]:
    chance, findings = random.Random(1), []  # noqa: S311 - no secret
    with ExitStack() as started:
        sites = [started.enter_context(history(on, size)) for size in sizes]
        read_into_memory(on.folder / "postgres")
        for site in sites:
            site.look_around(chance, PLATES)
        for question in QUESTIONS:
            findings.append(asked(question, sites, pairs, rounds, chance))
            print(f"    {question.name}: {findings[-1].cells()[2:5]}", flush=True)  # noqa: T201 - its output is its purpose
    return findings + [growth(row, list(of)) for row, of in groupby(findings, lambda f: f.row)]


def asked(
    question: Question, sites: list[Site], pairs: int, rounds: int, chance: random.Random
) -> Finding:
    """Return the p95 of each turn, at the larger size beside the smaller."""
    measure(question, sites, 3, chance)
    turns = [measure(question, sites, rounds, chance) for _ in range(pairs)]
    small, large = ([percentile(turn[site.name], 0.95) for turn in turns] for site in sites)
    work = f"{question.name}: p95 at {sites[-1].name}"
    return Finding(
        *(question.row, work, "ms", question.goal_ms, large),
        at_least=False,
        against=f"at {sites[0].name}",
        other=small,
        of_ratio=False,
    )


def growth(row: str, findings: list[Finding]) -> Finding:
    """Return how much the p95 grows where it grows most."""
    most = max(findings, key=lambda finding: statistics.median(finding.ratios))
    goal = next(question.most_growth for question in QUESTIONS if question.row == row)
    work = f"largest growth of p95 ({most.work.partition(':')[0]})"
    return Finding(row, work, "x", goal, most.ratios, at_least=False)
