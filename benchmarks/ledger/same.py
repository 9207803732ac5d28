"""Fifty threads with one event id at the same moment: one of them is first, the rest hear of it."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import json
import random
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from delivering import receiver
from product import ROOT

from ledger.edge import INGEST, LATER, form, picture
from ledger.evidence import age_and_sweep, receipts, stored_files, stored_rows
from ledger.installation import cameras_and_keys, chance_for, installation, set_up_django
from ledger.judging import controls, examine
from ledger.poison import event
from ledger.report import tell_findings
from ledger.same_checks import CHECKS, Answer, Crowd, Round, damaged

CONTENTS, DRAIN_S, TRIES = 5, 120, 30


@dataclass(frozen=True)
class Content:
    """One of the contents that are sent under one event id."""

    body: bytes
    kind: str
    hashes: tuple[str, str]


def contents(chance: random.Random, count: int) -> tuple[str, list[Content]]:
    """Return an event id, and events under it that differ in plate or pictures."""
    event_id, base = str(uuid.UUID(int=chance.getrandbits(128), version=4)), event(chance, "AB1")
    made = []
    for number in range(count):
        pictures = {"frame": picture(chance, 64), "crop": picture(chance, 24)}
        # Each second one differs from the one before it in its pictures only.
        fields = base | {"event_id": event_id, "plate": f"AB{number // 2}"}
        frame, crop = (sha256(pictures[name]).hexdigest() for name in ("frame", "crop"))
        made.append(Content(*form(fields, pictures), (frame, crop)))
    return event_id, made


def send(port: int, key: str, content: Content, barrier: threading.Barrier) -> Answer:
    """Send all but the last byte, wait for the others, then send it; come again after a 503."""
    headers = {"Authorization": f"Api-Key {key}", "Content-Type": content.kind}
    headers["Content-Length"] = str(len(content.body))
    status, told, refused = None, b"", 0
    for attempt in range(TRIES):
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.putrequest("POST", INGEST)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(content.body[:-1])
            if not attempt:
                barrier.wait()
            connection.send(content.body[-1:])
            response = connection.getresponse()
            status, told = response.status, response.read()
        except (OSError, HTTPException):
            status = None
        finally:
            connection.close()
        if status not in LATER:
            break
        refused += 1
        time.sleep(0.2)
    return Answer(status, json.loads(told).get("id") if told else None, refused)


def take_round(
    pool: ThreadPoolExecutor, port: int, key: str, chance: random.Random, threads: int, kinds: int
) -> Round:
    event_id, made = contents(chance, kinds)
    which, barrier = [number % kinds for number in range(threads)], threading.Barrier(threads)
    chance.shuffle(which)
    sent = [pool.submit(send, port, key, made[number], barrier) for number in which]
    return Round(event_id, [c.hashes for c in made], which, [one.result() for one in sent])


def deliveries_of(event_ids: Iterable[str]) -> Counter[str]:
    """How many deliveries there are of each event, once none is waiting."""
    from events.models import EventReceipt, PlateEvent
    from exporters.models import Delivery

    deadline = time.monotonic() + DRAIN_S
    while EventReceipt.objects.waiting().exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    ids = dict(PlateEvent.objects.filter(event_id__in=event_ids).values_list("id", "event_id"))
    return Counter(str(ids[pk]) for pk in Delivery.objects.values_list("event_id", flat=True))


def same(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    """Rounds in which all send the same, and rounds with five contents under one id."""
    made = stack.enter_context(installation(folder, picture_mb=256))
    token = made.login()
    key = cameras_and_keys(made.server, token, 1)[0]["key"]
    log = folder / "webhook.log"
    log.touch()
    sink = {"url": stack.enter_context(receiver("--log", str(log)))}
    fields = {"name": "sink", "exporter_type": "webhook", "config": sink}
    made.server.json("POST", "/api/v1/exporters", fields, Authorization=f"Token {token}")
    chance, pool = chance_for(options.seed, "same"), ThreadPoolExecutor(options.threads)
    stack.callback(pool.shutdown)
    rounds = [
        take_round(pool, made.server.port, key, chance, options.threads, kinds)
        for kinds in [1] * options.rounds + [CONTENTS] * options.others
    ]
    set_up_django(made)
    sent = deliveries_of(one.event_id for one in rounds)
    swept = age_and_sweep(made, [sys.executable, str(ROOT / "manage.py"), "prune_events"])
    crowd = Crowd(
        rounds,
        stored_rows(),
        [event_id for _, event_id in receipts().values()],
        stored_files(made.storage.uploads),
        sent,
    )
    statuses = Counter(str(answer.status) for one in rounds for answer in one.answers)
    later = sum(answer.refused for one in rounds for answer in one.answers)
    print(f"{options.rounds} and {options.others} rounds of {options.threads}: {dict(statuses)}")
    print(f"{later} times told to come again, or not answered, before that; {swept}")
    return tell_findings(examine(CHECKS, crowd), controls(CHECKS, crowd, damaged(crowd)))
