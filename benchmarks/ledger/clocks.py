"""Sensors whose clocks are wrong: what is a time is kept, as it was told, and found; the rest refused."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import json
import random
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ledger.attack import wait_until_drained
from ledger.clocks_checks import CHECKS, Kept, Times, Told, damaged
from ledger.clocks_times import EARLIEST, KINDS, LATEST
from ledger.edge import BATCH, INGEST, post
from ledger.installation import (
    Installation,
    cameras_and_keys,
    chance_for,
    installation,
    set_up_django,
)
from ledger.judging import controls, examine
from ledger.report import tell_findings

BATCH_SIZE, THREADS, DRAIN_S = 50, 4, 300
# Of so many events, one is sent alone.
ALONE = 5
# Seconds by which the clock of each of these sensors is ahead.
ERRORS = {"an hour ahead": 3600.0, "five hours late": -18_000.0, "half a year ahead": 15_552_000.0}


class Clocks:
    """Sends events whose times are of all kinds, some alone and most in batches."""

    def __init__(self, port: int, key: str, chance: random.Random) -> None:
        self.port, self.key, self.chance = port, key, chance
        self.told: list[Told] = []
        self.plates: dict[str, str] = {}

    def _new(self, number: int) -> tuple[dict[str, Any], str, Any]:
        kind = list(KINDS)[number % len(KINDS)]
        written, means = KINDS[kind](self.chance, datetime.now(UTC))
        event_id = str(uuid.UUID(int=self.chance.getrandbits(128), version=4))
        self.plates[event_id] = f"C{number:06}"
        fields = {"event_id": event_id, "plate": f"C{number:06}", "confidence": 0.9}
        return fields | {"captured_at": written}, kind, means

    def _post(self, path: str, body: object) -> tuple[int | None, bytes]:
        headers = {"Authorization": f"Api-Key {self.key}", "Content-Type": "application/json"}
        status, content = None, b""
        while status in {None, 503}:
            status, content = post(self.port, path, json.dumps(body).encode(), headers)
        return status, content

    def send(self, numbers: list[int]) -> None:
        made, begun = [self._new(number) for number in numbers], datetime.now(UTC)
        if len(made) == 1:
            statuses = [self._post(INGEST, made[0][0])[0]]
        else:
            status, content = self._post(BATCH, [fields for fields, *_ in made])
            one_each = json.loads(content) if status == 200 else [{"status": status}] * len(made)
            statuses = [each["status"] for each in one_each]
        between = begun, datetime.now(UTC)
        for (fields, kind, means), status in zip(made, statuses, strict=True):
            told = (fields["event_id"], kind, fields["captured_at"], means, between, status)
            self.told.append(Told(*told))


def groups(count: int) -> list[list[int]]:
    """The numbers of events that are sent together."""
    alone = count // ALONE
    rest = range(alone, count)
    return [
        *([number] for number in range(alone)),
        *(list(rest[at : at + BATCH_SIZE]) for at in range(0, len(rest), BATCH_SIZE)),
    ]


def offsets(
    made: Installation, token: str, edges: list[dict[str, Any]]
) -> dict[str, tuple[float, float | None]]:
    """Let sensors send with a constant error; return it with what the product says of each."""
    found: dict[str, tuple[float, float | None]] = {}
    for edge, (name, error) in zip(edges, ERRORS.items(), strict=True):
        moment = datetime.now(UTC) + timedelta(seconds=error)
        fields = {"plate": "OFF1", "confidence": 0.9, "captured_at": moment.isoformat()}
        headers = {"Authorization": f"Api-Key {edge['key']}", "Content-Type": "application/json"}
        post(made.server.port, INGEST, json.dumps(fields).encode(), headers)
        path = f"/api/v1/config/sensors/{edge['sensor']}"
        says = made.server.json("GET", path, Authorization=f"Token {token}")
        found[name] = error, says["clock_offset_s"]
    return found


def kept() -> list[Kept]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT event_id::text, captured_at, received_at, tableoid::regclass::text "
            "FROM events_plateevent"
        )
        return [Kept(*row) for row in cursor.fetchall()]


def tables() -> set[str]:
    from events.partitions import months

    return {month.table for month in months()}


def not_found(made: Installation, token: str, clocks: Clocks, most: int) -> list[str]:
    """Look for some events by plate, in the second around their time; return who is not there."""
    missing, second = [], timedelta(seconds=1)
    taken = [one for one in clocks.told if one.status == 201]
    for one in clocks.chance.sample(taken, min(most, len(taken))):
        assert one.means is not None  # noqa: S101 - for the type checker
        query = {"plate": clocks.plates[one.event_id]}
        query["captured_after"] = max(EARLIEST, one.means - second).isoformat()
        query["captured_before"] = (one.means + second).isoformat()
        path = f"/api/v1/events?{urlencode(query)}"
        answer = made.server.json("GET", path, Authorization=f"Token {token}")
        if [event["event_id"] for event in answer["results"]] != [one.event_id]:
            missing.append(f"{one.written!r}")
    return missing


def counted(
    made: Installation, token: str, clocks: Clocks, sensor: int
) -> dict[str, tuple[int, int]]:
    """Ask for the totals of ranges, of which some begin and end in the middle of an hour."""
    now, years = datetime.now(UTC), range(1980, 2200, 10)
    # All of time, in pieces: a range may have so many weeks only.
    ends = [EARLIEST, *(datetime(year, 3, 7, 5, 31, tzinfo=UTC) for year in years), LATEST]
    ranges = list(pairwise(ends))
    ranges += [(now - timedelta(hours=hours), now + timedelta(hours=hours)) for hours in (1, 5, 9)]
    found = {}
    for first, last in ranges:
        query = {"from": first.isoformat(), "to": last.isoformat(), "sensor": sensor}
        path = f"/api/v1/events/stats?{urlencode(query | {'bucket': 'week'})}"
        answer = made.server.json("GET", path, Authorization=f"Token {token}")
        recount = sum(
            one.status == 201 and one.means is not None and first <= one.means < last
            for one in clocks.told
        )
        found[f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"] = answer["total"], recount
    return found


def clocks(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    """Send them all, then ask for them in every way."""
    made = stack.enter_context(installation(folder, picture_mb=32))
    token = made.login()
    first, *others = cameras_and_keys(made.server, token, 1 + len(ERRORS))
    sender = Clocks(made.server.port, first["key"], chance_for(options.seed, "clocks"))
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(sender.send, groups(options.events)))
    told = offsets(made, token, others)
    set_up_django(made)
    wait_until_drained(DRAIN_S)
    times = Times(
        told=sender.told,
        kept=kept(),
        tables=tables(),
        not_found=not_found(made, token, sender, options.looks),
        counted=counted(made, token, sender, first["sensor"]),
        offsets=told,
    )
    for kind in KINDS:
        statuses = Counter(str(one.status) for one in times.told if one.kind == kind)
        print(f"{kind}: {dict(statuses)}")
    print(f"{len(times.kept)} rows in {dict(Counter(one.table for one in times.kept))}")
    print(f"{options.looks} looked for; {len(times.counted)} ranges counted; {told}")
    return tell_findings(examine(CHECKS, times), controls(CHECKS, times, damaged(times)))
