"""Sinks of each kind that are away for minutes: the others do not notice, and these miss nothing."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import delivering
from product import free_port

from exporters.tests.brokers import Broker, tansu_broker
from ledger.arrivals import Interruption, KafkaWitness, MqttWitness, WebhookWitness, Witness
from ledger.attack import TOPIC, settled, wait_until_drained
from ledger.away_checks import CHECKS, Away, damaged
from ledger.installation import (
    Installation,
    cameras_and_keys,
    chance_for,
    installation,
    set_up_django,
)
from ledger.judging import controls, examine
from ledger.poison import Sending, event
from ledger.report import tell_findings

CAMERAS = 10


@dataclass(frozen=True)
class Place:
    """A sink, the exporter to it, and how it goes away and comes back."""

    kind: str
    config: dict[str, Any]
    witness: Witness
    leave: Callable[[], None]
    come_back: Callable[[], None]


def webhook(folder: Path, stack: ExitStack, name: str) -> Place:
    """A receiver that refuses connections while it is away."""
    log, port = folder / f"{name}.log", free_port()
    log.touch()
    program = str(Path(delivering.__file__).with_name("receiver.py"))
    command = [sys.executable, program, "--port", str(port), "--log", str(log)]
    broker = Broker(command, port, signal.SIGKILL)
    broker.start()
    stack.callback(broker.stop)
    config = {"url": f"http://127.0.0.1:{port}/hook"}
    return Place("webhook", config, WebhookWitness(log), broker.stop, broker.start)


def mqtt(folder: Path, stack: ExitStack) -> Place:
    broker = stack.enter_context(delivering.mqtt_broker(folder))
    witness = MqttWitness(broker.port)
    stack.callback(witness.close)
    config = {"host": "127.0.0.1", "port": broker.port, "topic": "anpr/{camera}", "qos": 1}
    return Place("mqtt", config, witness, broker.stop, broker.start)


def kafka(stack: ExitStack) -> Place:
    """A broker that takes connections and says nothing while it is away: it lives in memory."""
    broker = tansu_broker()
    broker.start()
    stack.callback(broker.stop)
    witness = KafkaWitness(f"127.0.0.1:{broker.port}", TOPIC)
    stack.callback(witness.close)
    config = {"bootstrap_servers": f"127.0.0.1:{broker.port}", "topic": TOPIC, "key": "camera"}
    return Place("kafka", config, witness, broker.freeze, broker.thaw)


def places(folder: Path, stack: ExitStack) -> dict[str, Place]:
    """All sinks by name; what keeps the order says so in its name."""
    names = ("well", "well in order", "webhook", "webhook in order")
    found = {name: webhook(folder, stack, name) for name in names}
    return found | {"mqtt in order": mqtt(folder, stack), "kafka": kafka(stack)}


def make_exporters(
    made: Installation, token: str, found: dict[str, Place], longest_delay_s: float
) -> None:
    """With the usual schedule of retries, as far as no delay is longer."""
    for name, place in found.items():
        fields: dict[str, Any] = {"name": name, "exporter_type": place.kind}
        fields |= {"config": place.config, "retry": {"max_delay_s": longest_delay_s}}
        fields |= {"ordered": name.endswith("in order")}
        made.server.json("POST", "/api/v1/exporters", fields, Authorization=f"Token {token}")
    time.sleep(2)  # until each has its lane


def dead_letters() -> dict[str, int]:
    from exporters.models import Delivery, ExporterConfig

    return {
        one.name: Delivery.objects.filter(exporter=one, state=Delivery.State.DEAD).count()
        for one in ExporterConfig.objects.all()
    }


def go_away(leaving: list[Place], seconds: float) -> Interruption:
    at = time.monotonic()
    for place in leaving:
        place.leave()
    time.sleep(max(0.0, at + seconds - time.monotonic()))
    for place in leaving:
        place.come_back()
    return Interruption("broker away", at, time.monotonic())


def away(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    """Send all the time; before, while four of six sinks are away, and after."""
    made = stack.enter_context(installation(folder, picture_mb=64))
    token = made.login()
    edges = cameras_and_keys(made.server, token, CAMERAS)
    found = places(folder, stack)
    make_exporters(made, token, found, options.longest_delay)
    chance = chance_for(options.seed, "away")
    sendings = [Sending(made.server.port, edge["key"]) for edge in edges]
    pace = options.rate / CAMERAS
    count = int(pace * (2 * options.before + options.seconds))
    gone = {name: place for name, place in found.items() if not name.startswith("well")}
    with ThreadPoolExecutor(CAMERAS) as pool:
        sent = [
            pool.submit(sending.evenly, [event(chance, f"AB{n}") for n in range(count)], pace)
            for sending in sendings
        ]
        time.sleep(options.before)
        interruption = go_away([*gone.values()], options.seconds)
        for one in sent:
            one.result()
    set_up_django(made)
    is_drained = wait_until_drained(options.drain + 60)
    seen = Away(
        sent=[sending.acked for sending in sendings],
        came=settled({name: place.witness for name, place in found.items()}),
        away=frozenset(gone),
        ordered=frozenset(name for name in found if name.endswith("in order")),
        gone=interruption,
        drain_s=options.drain,
        dead=dead_letters(),
    )
    tell(seen, is_drained)
    return tell_findings(examine(CHECKS, seen), controls(CHECKS, seen, damaged(seen)))


def tell(seen: Away, is_drained: bool) -> None:
    print(f"{len(seen.acked)} events of {CAMERAS} cameras; {'' if is_drained else 'NOT '}drained")
    print(f"away for {seen.gone.until - seen.gone.at:.0f} s")
    for name, came in seen.came.items():
        again = len(came) - len({one.event_id for one in came})
        print(f"{name:18} {len(came)} messages, {again} of them repeats; ", end="")
        if name in seen.away:
            backlog = seen.backlog(name) or [0.0]
            print(
                f"{len(backlog)} waited, {backlog[0]:.1f} to {backlog[-1]:.1f} s after its return"
            )
        else:
            before, meanwhile = (seen.p99_ms(name, meanwhile=m) for m in (False, True))
            print(f"p99 {before:.0f} ms before, {meanwhile:.0f} ms meanwhile")
