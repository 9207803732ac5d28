#!/usr/bin/env python3
"""Delivers events to a webhook, MQTT and Kafka while everything breaks, and looks for what is missing.

    deliver_under_faults.py [--events 20000] [--seed N] [--calm] [--control]

The worker (`manage.py deliver`) is killed with SIGKILL every few seconds and started again; the
webhook's sink answers 500 or 429, says nothing, or cuts the connection before or after it has
taken the message, in 30 % of the requests; the MQTT broker is stopped and started again. In the end
every stored event must have arrived at every sink, and nothing else. Repeats are allowed, each of
them must be explained by one of these faults. `--calm` does without faults: then no repeat is
allowed. `--control` makes the ledger lie on purpose: the check must find it.
Exit status 0 when all holds.
"""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from arrivals import (
    Interruption,
    KafkaWitness,
    MqttWitness,
    Verdict,
    WebhookWitness,
    Witness,
    judge,
)
from delivering import (
    installation,
    kafka_broker,
    make_credential,
    make_exporter,
    mqtt_broker,
    receiver,
    start_worker,
    store,
)

TOPIC = "plates"
RETRY = {"max_attempts": 100, "base_delay_s": 0.5, "max_delay_s": 5, "timeout_s": 2}
BATCH = 200


@dataclass
class Mischief:
    """Kills the worker again and again, and stops the broker once, until told to end."""

    folder: Path
    kill_every_s: float
    broker: Any = None
    interruptions: list[Interruption] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.worker = start_worker(self.folder)
        self._thread = threading.Thread(target=self._kill)
        self._thread.start()

    def _kill(self) -> None:
        while (
            self.kill_every_s and self._is_at_work() and not self.stopping.wait(self.kill_every_s)
        ):
            self.worker.kill()
            self.worker.wait()
            now = time.monotonic()
            self.interruptions.append(Interruption("worker killed", now, now))
            self.worker = start_worker(self.folder)

    def _is_at_work(self) -> bool:
        """Wait until the worker has started, which takes seconds on a busy machine."""
        from django.db import connection

        from exporters.models import WorkerHeartbeat

        while not self.stopping.wait(0.1):
            started = WorkerHeartbeat.objects.filter(pid=self.worker.pid).exists()
            connection.close()
            if started:
                return True
        return False

    def stop_broker(self, seconds: float) -> None:
        if self.broker is None:
            return
        begun = time.monotonic()
        self.broker.stop()
        time.sleep(seconds)
        self.broker.start()
        # What was under way is sent again when the connection stands again.
        over = time.monotonic() + RETRY["timeout_s"]
        self.interruptions.append(Interruption("broker away", begun, over))

    def end(self) -> None:
        self.stopping.set()
        self._thread.join()
        self.worker.terminate()
        try:
            self.worker.wait(30)
        except subprocess.TimeoutExpired:
            print("the worker did not end within 30 s of SIGTERM")
            self.worker.kill()


def pending() -> dict[str, int]:
    """Return how much each exporter has before it, also what was not fanned out yet."""
    from django.db.models import Count, Q

    from events.models import PlateEvent
    from exporters.models import ExporterConfig

    events = PlateEvent.objects.count()
    settled = Count("delivery", filter=~Q(delivery__state="pending"))
    rows = ExporterConfig.objects.annotate(settled=settled).values_list("name", "settled")
    return {name: events - count for name, count in rows if count < events}


def falsify(chance: random.Random) -> int:
    """For --control: hand events on as the worker does, and call 1 % of the deliveries done."""
    from django.db import transaction

    from events.dispatch import dispatch
    from exporters.delivery import fan_out
    from exporters.models import Delivery

    with transaction.atomic():
        newest = Delivery.objects.order_by("id").values_list("pk", flat=True).last() or 0
        if dispatch(fan_out) is None:  # the worker was first
            return 0
        made = Delivery.objects.filter(pk__gt=newest, state="pending")
        ids = list(made.values_list("pk", flat=True))
        lies = chance.sample(ids, max(1, len(ids) // 100))
        return Delivery.objects.filter(pk__in=lies).update(state="delivered")


def store_all(options: argparse.Namespace, mischief: Mischief, chance: random.Random) -> list[str]:
    """Store the events at the pace asked for; in the middle, stop the broker."""
    credential, begun = make_credential(), time.monotonic()
    ids: list[str] = []
    lies = 0
    while len(ids) < options.events:
        before = len(ids)
        ids += store(credential, min(BATCH, options.events - before), chance)
        if before < options.events // 2 <= len(ids):
            mischief.stop_broker(5)
        if options.control:
            lies += falsify(chance)
        time.sleep(max(0.0, begun + len(ids) / options.rate - time.monotonic()))
    if options.control:
        print(f"control: {lies} deliveries are called done that nobody made")
    return ids


def wait_until_drained(begun: float, deadline_s: float) -> bool:
    told = time.monotonic()
    while left := pending():
        if time.monotonic() > begun + deadline_s:
            return False
        if time.monotonic() - told > 30:
            told = time.monotonic()
            print(f"    {time.monotonic() - begun:.0f} s: still pending {left}", flush=True)
        time.sleep(0.5)
    return True


def settled(witness: Witness) -> list[Any]:
    """Return what arrived, once nothing more does."""
    found = witness.arrivals()
    while True:
        time.sleep(2)
        before, found = len(found), witness.arrivals()
        if len(found) == before:
            return found


def report(verdicts: dict[str, Verdict], *, calm: bool) -> int:
    """Print the table; return how many sinks did not get what they should."""
    bad = 0
    print(f"{'sink':8} {'stored':>7} {'arrived':>7} {'missing':>7} {'unknown':>7}  came again")
    for name, verdict in verdicts.items():
        again = ", ".join(f"{count} ({why})" for why, count in sorted(verdict.again.items()))
        print(
            f"{name:8} {verdict.expected:7} {verdict.arrived:7} {len(verdict.missing):7} "
            f"{len(verdict.unknown):7}  {again or 'none'}"
        )
        for event_id in verdict.missing[:5]:
            print(f"    MISSING {event_id}")
        bad += not verdict.is_good or (calm and bool(verdict.again))
    return bad


def ledger() -> str:
    from django.db.models import Count

    from exporters.models import Delivery, DeliveryAttempt

    states = Delivery.objects.values_list("exporter__name", "state").annotate(count=Count("*"))
    lines = [f"{name} {state} {count}" for name, state, count in states.order_by("exporter__name")]
    tries = DeliveryAttempt.objects.values_list("delivery__exporter__name", "succeeded")
    lines += [
        f"{name} attempts {'succeeded' if succeeded else 'failed'} {count}"
        for name, succeeded, count in tries.annotate(count=Count("*")).order_by()
    ]
    return "; ".join(sorted(lines))


def run(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    chance = random.Random(options.seed)  # noqa: S311 - must be repeatable
    stack.enter_context(installation(folder))
    log = folder / "webhook.log"
    log.touch()
    faults = "0" if options.calm else str(options.faults)
    url = stack.enter_context(
        receiver("--log", str(log), "--faults", faults, "--seed", str(options.seed))
    )
    mqtt = stack.enter_context(mqtt_broker(folder))
    kafka = stack.enter_context(kafka_broker())
    place = {"host": "127.0.0.1", "port": mqtt.port}
    make_exporter("webhook", "webhook", {"url": url}, **RETRY)
    make_exporter("mqtt", "mqtt", place | {"topic": "anpr/{camera}/{plate}"}, **RETRY)
    make_exporter("kafka", "kafka", {"bootstrap_servers": kafka, "topic": TOPIC}, **RETRY)
    witnesses: dict[str, Witness] = {
        "webhook": WebhookWitness(log),
        "mqtt": MqttWitness(mqtt.port),
        "kafka": KafkaWitness(kafka, TOPIC),
    }
    for witness in witnesses.values():
        stack.callback(witness.close)
    restarted = None if options.calm or not mqtt.keeps_messages else mqtt
    begun = time.monotonic()
    mischief = Mischief(folder, 0 if options.calm else options.kill_every, restarted)
    stack.callback(mischief.end)
    ids = store_all(options, mischief, chance)
    print(f"{len(ids)} events stored in {time.monotonic() - begun:.0f} s", flush=True)
    is_drained = wait_until_drained(begun, options.deadline)
    took = time.monotonic() - begun
    mischief.stopping.set()
    verdicts = {
        name: judge(ids, settled(witness), mischief.interruptions)
        for name, witness in witnesses.items()
    }
    kinds = [interruption.kind for interruption in mischief.interruptions]
    print(
        f"{'drained' if is_drained else 'NOT drained'} after {took:.0f} s, "
        f"{kinds.count('worker killed')} workers killed, "
        f"{kinds.count('broker away')} time(s) the MQTT broker stopped"
    )
    print(ledger())
    return report(verdicts, calm=options.calm) + (not is_drained)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rate", type=float, default=400, help="events stored a second")
    parser.add_argument("--faults", type=float, default=0.3, help="share of the webhook's requests")
    parser.add_argument("--kill-every", type=float, default=5, metavar="SECONDS")
    parser.add_argument("--deadline", type=float, default=1500, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--calm", action="store_true", help="no faults: nothing may come twice")
    parser.add_argument("--control", action="store_true", help="the check must find lies")
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.events} events", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="deliver-under-faults-"))
    with ExitStack() as stack:
        problems = run(options, folder, stack)
    failed = not problems if options.control else bool(problems)
    if failed:
        print(f"the logs are kept in {folder}")
    else:
        shutil.rmtree(folder)
    print("FAILED" if failed else "good")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
