"""Hundreds of hostile texts through every door; all that comes out of the product must be inert."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import time
import uuid
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from product import PASSWORD

from ledger.edge import picture
from ledger.inert import doors, pages
from ledger.inert.bad_pages import noticed_on_bad_pages
from ledger.inert.browser import Viewer, viewer
from ledger.inert.checks import Came, controls, examine
from ledger.inert.corpus import Hostile, make_corpus
from ledger.inert.doors import API, Doors
from ledger.inert.harvest import as_kept, every_event, harvest, texts_of_event, told_by
from ledger.inert.sinks import TOPIC, Arrived, kafka_sink, mqtt_sink, webhook_sink
from ledger.installation import cameras_and_keys, chance_for, installation
from ledger.report import tell_findings

# Signing in costs a hash of the password: so many texts go by for one that tries it.
KNOCKS = 6
SINKS = ("webhook", "mqtt", "kafka")


def make_exporters(
    at: Doors, stack: ExitStack, folder: Path, corpus: list[Hostile]
) -> dict[str, Arrived]:
    """One of each kind, and a webhook whose sink answers with the texts."""
    got = {kind: Arrived() for kind in SINKS}
    url = stack.enter_context(webhook_sink(got["webhook"], corpus))
    port = stack.enter_context(mqtt_sink(got["mqtt"], folder))
    kafka = stack.enter_context(kafka_sink(got["kafka"]))
    configs: dict[str, dict[str, Any]] = {
        "webhook": {"url": url},
        "rude": {"url": f"{url}/rude"},
        "mqtt": {"host": "127.0.0.1", "port": port, "topic": "anpr/{camera}/{plate}/{region}"},
        "kafka": {"bootstrap_servers": kafka, "topic": TOPIC, "key": "plate"},
    }
    for name, config in configs.items():
        kind = "webhook" if name == "rude" else name
        fields = {"name": f"Sink {name}", "exporter_type": kind, "config": config}
        fields |= {"retry": {"max_attempts": 1 if name == "rude" else 10}}
        at.server.json("POST", f"{API}/exporters", fields, **at.authorization)
    return got


def bring_in(at: Doors, corpus: list[Hostile], key: str, frame: bytes) -> list[bytes]:
    """Push every text through every door; return the heads of answers to hostile headers."""
    heads = []
    for index, one in enumerate(corpus):
        own = doors.configure(at, one, "http://127.0.0.1:9/x")
        doors.send_events(at, one, own or key, frame)
        doors.look(at, one)
        heads.append(doors.whisper(at.server, one))
        if index % KNOCKS == 0:
            doors.knock(at, one)
    return heads


def look_at_pages(
    tab: Viewer, at: Doors, corpus: list[Hostile], key: str, options: argparse.Namespace
) -> None:
    """Every list and the live page show all texts; pages of their own are opened for some."""

    def send(plates: Iterable[str]) -> None:
        now = datetime.now(UTC).isoformat()
        fields = {"confidence": 0.9, "captured_at": now}
        many = [fields | {"event_id": str(uuid.uuid4()), "plate": plate} for plate in plates]
        at.call("POST", f"{API}/events/ingest/batch", many, Authorization=f"Api-Key {key}")

    some = corpus[:: options.every]
    pages.lists(tab, at, options.lists)
    pages.change_pages(tab, at, some)
    pages.reads(tab, at, some)
    pages.searches(tab, some)
    pages.echoes(tab, some)
    pages.imports(tab, corpus)
    pages.data_subjects(tab, at, every=5 * options.every)
    pages.live(tab, [one.texts[0] for one in at.of("plate")], send)


def inert(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    also = {"LOG_LEVEL": "INFO", "ENABLE_METRICS": "1"}
    # One port for pages and stream, as a proxy would make it.
    made = stack.enter_context(installation(folder, picture_mb=256, shape="run", also=also))
    corpus = make_corpus(options.texts, chance_for(options.seed, "texts"))
    at = Doors(made.server, made.login())
    key = cameras_and_keys(made.server, at.token, 1)[0]["key"]
    got = make_exporters(at, stack, folder, corpus)
    log = folder / "server.log"
    started = log.stat().st_size

    begun = time.monotonic()
    heads = bring_in(at, corpus, key, picture(chance_for(options.seed, "picture"), 40))
    events = every_event(at)
    as_kept(at, events)
    for sink in got.values():
        sink.settle(len(events), 120)
    told = {name: told_by(sink) for name, sink in got.items()}
    print(f"all in and at the sinks after {time.monotonic() - begun:.0f} s", flush=True)

    tab = stack.enter_context(viewer(made.server.url, PASSWORD))
    taken = harvest(at, tab, events)
    look_at_pages(tab, at, corpus, key, options)
    print(f"all pages seen after {time.monotonic() - begun:.0f} s", flush=True)
    lines = log.read_bytes()[started:].split(b"\n")
    messages = [(name, body) for name, sink in got.items() for body in sink.bodies]
    came = Came(
        broken=tuple(at.broken),
        heads=tuple(heads),
        csv=taken.tables,
        bodies=(*taken.bodies, *messages),
        packages=taken.packages,
        topics=tuple(got["mqtt"].topics),
        headers=tuple(pair for sink in got.values() for pair in sink.headers),
        log=tuple(line for line in lines if line),
        metrics=taken.metrics,
        kept={pk: texts_of_event(event) for pk, event in events.items()},
        told=told,
        noticed=tab.noticed,
    )
    tell(came, at, corpus)
    said = controls(came, noticed_on_bad_pages(tab)) if options.controls else None
    return tell_findings(examine(came), said)


def tell(came: Came, at: Doors, corpus: list[Hostile]) -> None:
    lines = sum(data.count(b"\n") for data in came.csv.values())
    print(
        f"{len(corpus)} texts, {at.taken.total()} times let in, {at.refused.total()} times refused\n"
        f"let in by: {', '.join(f'{door} {count}' for door, count in sorted(at.taken.items()))}\n"
        f"{len(came.kept)} events; {len(came.bodies)} answers and messages, {len(came.csv)} tables of "
        f"{lines} lines, {len(came.packages)} "
        f"packages, {len(came.topics)} topics, {len(came.headers)} headers of messages, "
        f"{len(came.log)} lines of the log\n"
        f"{came.noticed.pages} pages opened, {came.noticed.seen} texts looked for on them"
    )
