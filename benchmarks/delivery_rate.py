#!/usr/bin/env python3
"""How fast one worker empties the ledger into each kind of sink, beside the bare client library.

    delivery_rate.py [--kinds webhook,mqtt,kafka] [--scale 1.0]
    delivery_rate.py --backlog 1000000     the worker's memory with that many pending
    delivery_rate.py --black-hole          what a sink that never answers does to another one

Real processes on one machine: PostgreSQL with fsync, brokers, `manage.py deliver`. The rate is from
the first attempt to the last delivered row; the bare client sends bodies of the same length to the
same sink, and writes nothing down.
"""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bare_clients
from delivering import (
    installation,
    make_credential,
    make_exporter,
    mock_kafka,
    mqtt_broker,
    receiver,
    start_worker,
    store,
)
from findings import Finding, spread, table, write_json
from processes import cpu_s, memory_mb

if TYPE_CHECKING:
    from exporters.models import ExporterConfig

RETRY = {"max_attempts": 10, "timeout_s": 15}
EVENTS = {"webhook": 5_000, "mqtt": 20_000, "kafka": 60_000}
GOALS = {"webhook": 500, "mqtt": 3_000, "kafka": 15_000}
MOST_GROWTH_MB = 50
MOST_DELAY = 1.10


@contextmanager
def sink(kind: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Start the other side; return the configuration of an exporter to it."""
    with ExitStack() as stack:
        match kind:
            case "webhook":
                yield {"url": stack.enter_context(receiver("--delay-ms", "1"))}
            case "mqtt":
                broker = stack.enter_context(mqtt_broker(folder))
                yield {"host": "127.0.0.1", "port": broker.port, "topic": "anpr/{plate}"}
            case _:
                servers = stack.enter_context(mock_kafka())
                yield {"bootstrap_servers": servers, "topic": "plates"}


@contextmanager
def worker(folder: Path) -> Iterator[int]:
    """Run `manage.py deliver`; return its process id once it works."""
    from exporters.models import WorkerHeartbeat

    process = start_worker(folder)
    try:
        while not WorkerHeartbeat.objects.filter(pid=process.pid).exists():
            if process.poll() is not None:
                sys.exit(f"the worker ended, see {folder / 'worker.log'}")
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait(40)


def fill(exporter: ExporterConfig, count: int) -> None:
    """Make deliveries of stored events, as the dispatcher does."""
    from events.models import PlateEvent
    from exporters.delivery import fan_out
    from exporters.models import ExporterConfig

    ExporterConfig.objects.exclude(pk=exporter.pk).update(enabled=False)
    for begin in range(0, count, 1000):
        fan_out(list(PlateEvent.objects.order_by("id")[begin : min(begin + 1000, count)]))


def drain(exporter: ExporterConfig, folder: Path, count: int) -> tuple[float, float]:
    """Let a worker deliver all; return events a second, and its CPU milliseconds for each."""
    from django.db.models import Max, Min

    from exporters.models import Delivery, DeliveryAttempt

    rows = Delivery.objects.filter(exporter=exporter)
    with worker(folder) as pid:
        before = cpu_s(pid)
        while rows.filter(state="pending").exists():
            time.sleep(0.2)
        cpu = cpu_s(pid) - before
    first = DeliveryAttempt.objects.filter(delivery__exporter=exporter).aggregate(
        at=Min("started_at")
    )["at"]
    last = rows.filter(state="delivered").aggregate(at=Max("delivered_at"))["at"]
    assert isinstance(first, datetime)  # noqa: S101 - for the type checker
    if (arrived := rows.filter(state="delivered").count()) != count:
        raise RuntimeError(f"{arrived} of {count} delivered: {exporter.name}")
    return count / (last - first).total_seconds(), cpu / count * 1000


def rates(options: argparse.Namespace, folder: Path) -> int:
    """Alternate between the bare client and a worker, for each kind of sink."""
    from events.models import PlateEvent
    from events.representation import represent
    from events.stream.dispatch import dispatch
    from exporters import payload

    kinds = options.kinds.split(",")
    counts = {kind: max(1000, int(EVENTS[kind] * options.scale)) for kind in kinds}
    store(make_credential(), max(counts.values()), random.Random(1))  # noqa: S311
    while dispatch() is not None:
        pass
    body = payload.build(represent(PlateEvent.objects.with_parts()[0]))
    print(f"one worker; an event is {len(body)} bytes\n")
    findings = []
    for kind in kinds:
        rate, cpu, bare = list[float](), list[float](), list[float]()
        with sink(kind, folder) as config:
            for pair in range(options.pairs):
                bare.append(bare_clients.rate(kind, config, body, counts[kind]))
                exporter = make_exporter(f"{kind} {pair}", kind, config, **RETRY)
                fill(exporter, counts[kind])
                drained = drain(exporter, folder, counts[kind])
                rate.append(drained[0])
                cpu.append(drained[1])
        print(
            f"    {kind}: {spread(rate)} events/s, worker CPU {spread(cpu)} ms each; bare {spread(bare)}",
            flush=True,
        )
        work, goal = f"delivery by one worker, {kind}", GOALS[kind]
        findings.append(
            Finding("P6", work, "events/s", goal, rate, True, "bare client", bare, of_ratio=False)
        )
    if options.json:
        write_json(findings, {}, options.json)
    print(table(findings))
    return sum(not finding.is_met for finding in findings)


FILL = """
WITH receipt AS (
    INSERT INTO events_eventreceipt (sensor_id, event_id, content_sha256, captured_at, position)
    SELECT %(sensor)s, gen_random_uuid(), '', now(), n FROM generate_series(%(first)s, %(last)s) n
    RETURNING id, event_id, captured_at
), made AS (
    INSERT INTO events_plateevent (id, sensor_id, event_id, plate, plate_normalized, confidence,
        region, captured_at, received_at, details, {others})
    SELECT id, %(sensor)s, event_id, 'AB12CDE', 'AB12CDE', 0.9, 'gb', captured_at, now(), '{{}}',
        {empty}
    FROM receipt RETURNING id
)
INSERT INTO exporters_delivery
    (exporter_id, event_id, camera, state, attempts, created_at, next_attempt_at, last_error)
SELECT %(exporter)s, id, 0, 'pending', 0, now(), now(), '' FROM made
"""


def fill_by_sql(exporter: ExporterConfig, sensor_id: int, first: int, last: int) -> None:
    """A million rows in a minute; only what a worker reads is in them."""
    from django.db import connection

    from events.models import PlateEvent

    given = {"sensor", "event_id", "plate", "plate_normalized", "confidence", "region", "id"}
    given |= {"captured_at", "received_at", "details"}
    others = [f for f in PlateEvent._meta.concrete_fields if f.name not in given and not f.null]
    empty = {"CharField": "''", "TextField": "''"}
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        for begin in range(first, last + 1, 100_000):
            cursor.execute(
                FILL.format(
                    others=", ".join(str(field.column) for field in others),
                    empty=", ".join(empty.get(field.get_internal_type(), "0") for field in others),
                ),
                {
                    "sensor": sensor_id,
                    "exporter": exporter.pk,
                    "first": begin,
                    "last": min(begin + 99_999, last),
                },
            )
        cursor.execute("ANALYZE events_plateevent, exporters_delivery")
        cursor.execute("RESET statement_timeout")


def backlog(options: argparse.Namespace, folder: Path) -> int:
    """Compare the worker's memory with a small and with a large backlog, at full speed."""
    from exporters.models import Delivery

    credential = make_credential()
    peaks, at = {}, 1
    with sink("kafka", folder) as config:
        exporter = make_exporter("kafka", "kafka", config, **RETRY)
        for pending in (10_000, options.backlog):
            fill_by_sql(exporter, credential.sensor.pk, at, at + pending - 1)
            at += pending
            with worker(folder) as pid:
                time.sleep(options.seconds)
                peaks[pending] = memory_mb(pid, "VmHWM")
            left = Delivery.objects.filter(state="pending").count()
            print(f"{pending:8} pending: peak {peaks[pending]:.0f} MB, then {left} were left")
    growth = peaks[options.backlog] - peaks[10_000]
    print(f"growth {growth:+.0f} MB, allowed {MOST_GROWTH_MB}")
    return int(growth > MOST_GROWTH_MB)


def latencies(exporter: ExporterConfig, options: argparse.Namespace, folder: Path) -> list[float]:
    """Store events one by one; return milliseconds from storing to delivery at this sink."""
    from exporters.models import Delivery

    credential, chance = make_credential(), random.Random(exporter.pk)  # noqa: S311
    stored: dict[str, float] = {}
    with worker(folder):
        time.sleep(2)
        begun = time.monotonic()
        for number in range(int(options.seconds * 50)):
            ids = store(credential, 1, chance)
            stored[ids[0]] = time.time()
            time.sleep(max(0.0, begun + (number + 1) / 50 - time.monotonic()))
        time.sleep(2)
    rows = Delivery.objects.filter(exporter=exporter, event__event_id__in=stored)
    return [
        (at.timestamp() - stored[str(event_id)]) * 1000
        for event_id, at in rows.values_list("event__event_id", "delivered_at")
        if at is not None
    ]


def black_hole(options: argparse.Namespace, folder: Path) -> int:
    """Compare a sink's latency while its neighbour answers, and while it never does."""
    found: dict[str, list[float]] = {"answers": [], "black hole": []}
    for turn in range(options.turns):
        for neighbour, arguments in (("answers", []), ("black hole", ["--black-hole"])):
            with receiver() as fine, receiver(*arguments) as other:
                from exporters.models import ExporterConfig

                ExporterConfig.objects.update(enabled=False)
                watched = make_exporter(f"fine {turn} {neighbour}", "webhook", {"url": fine})
                make_exporter(f"other {turn} {neighbour}", "webhook", {"url": other})
                found[neighbour] += latencies(watched, options, folder)
    p99 = {}
    print(f"{'neighbour':12} {'events':>7} {'p50 ms':>8} {'p99 ms':>8}")
    for neighbour, values in found.items():
        cuts = statistics.quantiles(values, n=100)
        p99[neighbour] = cuts[98]
        print(f"{neighbour:12} {len(values):7} {cuts[49]:8.1f} {cuts[98]:8.1f}")
    ratio = p99["black hole"] / p99["answers"]
    print(f"p99 moves by {(ratio - 1) * 100:+.0f} %, allowed {(MOST_DELAY - 1) * 100:.0f} %")
    return int(ratio > MOST_DELAY)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", default="webhook,mqtt,kafka")
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of events")
    parser.add_argument("--pairs", type=int, default=1, help="bare client and worker, in turn")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--backlog", type=int, default=0, metavar="EVENTS")
    parser.add_argument("--black-hole", action="store_true")
    parser.add_argument("--seconds", type=float, default=30, help="of each backlog or turn")
    parser.add_argument("--turns", type=int, default=2)
    options = parser.parse_args()
    # Who ends it from outside ends its servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix="delivery-rate-"))
    mode = backlog if options.backlog else black_hole if options.black_hole else rates
    try:
        with installation(folder):
            return int(bool(mode(options, folder)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
