"""Poison among good events: what a sink can never take must hold up nothing else."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import product  # noqa: F401 - from here on the product can be imported

from exporters.tests.brokers import MOSQUITTO, iotcore_broker, mosquitto_broker, tansu_broker
from exporters.tests.sinks import OK, Reply, Request, Sink, status
from ledger.arrivals import Arrival, KafkaWitness, MqttWitness, Witness, arrival_of
from ledger.attack import TOPIC, settled, wait_until_drained
from ledger.doors import through_the_doors
from ledger.edge import BATCH, INGEST, post
from ledger.installation import (
    Installation,
    cameras_and_keys,
    chance_for,
    installation,
    set_up_django,
)
from ledger.poison_checks import Outcome, Poisoned, controls, examine
from ledger.report import tell_findings

# What the broker of MQTT takes at most; a bulky event is larger, and smaller than any payload may be.
PACKET_BYTES = 6000
ANSWER_S = 1.0
# The silence of one is waited for; brokers get the time that opening a connection takes.
RETRY = {"max_attempts": 5, "base_delay_s": 0.1, "max_delay_s": 0.4}
BROKER_S = 5
# By the beginning of the plate, what the webhook's sink does with it, each time.
WEBHOOK_POISON = ("REFUSED", "BROKEN", "MOVED", "CUT", "SILENT", "NONSENSE")
BULKY = "BULKY"
LONGEST_WAIT_S = 120


class PoisonedSink:
    """Takes everything but what is poison for it."""

    def __init__(self) -> None:
        self.found: list[Arrival] = []

    def __call__(self, request: Request) -> Reply:
        plate = json.loads(request.body)["data"]["plate"]
        match plate.split("-")[0]:
            case "REFUSED":
                return status(413)
            case "BROKEN":
                return status(500)
            case "MOVED":
                return status(307, "Location: http://127.0.0.1:9/")
            case "CUT":
                return None
            case "SILENT":
                time.sleep(ANSWER_S + 0.3)
                return None
            case "NONSENSE":
                return b"\0" * 100
        self.found.append(arrival_of(request.body, request.headers["webhook-id"]))
        return OK

    def arrivals(self) -> list[Arrival]:
        return list(self.found)

    def close(self) -> None:
        pass


def broker_of_mqtt(folder: Path) -> Any:
    if MOSQUITTO:
        return mosquitto_broker(folder, settings=(f"max_packet_size {PACKET_BYTES}",))
    return iotcore_broker(folder, "3.1.1", most_bytes=PACKET_BYTES)


def sinks(stack: ExitStack, made: Installation, token: str) -> dict[str, Witness]:
    """Start the sinks, and an exporter to each: MQTT in both versions, which refuse differently."""
    answering = PoisonedSink()
    url = stack.enter_context(Sink(answering)).url
    mqtt, kafka = broker_of_mqtt(made.folder), tansu_broker()
    for broker in (mqtt, kafka):
        broker.start()
        stack.callback(broker.stop)
    address = f"127.0.0.1:{kafka.port}"
    place = {"host": "127.0.0.1", "port": mqtt.port, "qos": 1}
    versions = {"mqtt": "3.1.1", "mqtt 5": "5"} if MOSQUITTO else {"mqtt": "3.1.1"}
    configs: dict[str, dict[str, Any]] = {
        "webhook": {"url": url},
        "kafka": {"bootstrap_servers": address, "topic": TOPIC},
    }
    witnesses: dict[str, Witness] = {
        "webhook": answering,
        "kafka": KafkaWitness(address, TOPIC),
    }
    for name, version in versions.items():
        topic = f"v{version}/{{camera}}/{{plate}}/{{region}}"
        configs[name] = place | {"topic": topic, "protocol": version}
        witnesses[name] = MqttWitness(mqtt.port, f"v{version}/#", f"witness of {version}")
    for name, config in configs.items():
        kind = name.split()[0]
        retry = RETRY | {"timeout_s": ANSWER_S if kind == "webhook" else BROKER_S}
        fields = {"name": name, "exporter_type": kind, "config": config, "retry": retry}
        made.server.json("POST", "/api/v1/exporters", fields, Authorization=f"Token {token}")
        stack.callback(witnesses[name].close)
    return witnesses


def event(chance: Any, plate: str, **fields: Any) -> dict[str, Any]:
    return {
        "event_id": f"{chance.getrandbits(32):08x}-0000-4000-8000-{chance.getrandbits(48):012x}",
        "plate": plate,
        "confidence": 0.9,
        "captured_at": "2026-11-22T08:00:00Z",
    } | fields


def bulky(chance: Any, number: int) -> dict[str, Any]:
    others = [{"plate": f"X{index:030}", "confidence": 0.1} for index in range(50)]
    tyres = [
        {"id": f"{index:016x}", "model": "x" * 60, "pressure_kpa": 230.0} for index in range(50)
    ]
    return event(chance, f"{BULKY}-{number}", candidates=others, tpms=tyres)


def poison(chance: Any, count: int) -> list[dict[str, Any]]:
    """As many of each kind."""
    found = [bulky(chance, number) for number in range(count)]
    for kind in WEBHOOK_POISON:
        found += [event(chance, f"{kind}-{number}") for number in range(count)]
    chance.shuffle(found)
    return found


class Sending:
    """Sends one after the other at a pace, and keeps when each was acknowledged."""

    def __init__(self, port: int, key: str) -> None:
        self.port, self.headers = port, {"Authorization": f"Api-Key {key}"}
        self.acked: dict[str, float] = {}

    def one(self, one: dict[str, Any]) -> None:
        headers = self.headers | {"Content-Type": "application/json"}
        answered, body = post(self.port, INGEST, json.dumps(one).encode(), headers)
        if answered != 201:
            raise RuntimeError(f"{one['plate']!r}: {answered} {body[:300]!r}")
        self.acked[one["event_id"]] = time.monotonic()

    def batch(self, many: list[dict[str, Any]]) -> None:
        """All of it becomes visible together, and so is sent together."""
        headers = self.headers | {"Content-Type": "application/json"}
        _, body = post(self.port, BATCH, json.dumps(many).encode(), headers)
        if {result["status"] for result in json.loads(body)} != {201}:
            raise RuntimeError(body[:300])
        self.acked |= {one["event_id"]: time.monotonic() for one in many}

    def evenly(self, many: list[dict[str, Any]], rate: float) -> None:
        begun = time.monotonic()
        for number, one in enumerate(many):
            time.sleep(max(0.0, begun + number / rate - time.monotonic()))
            self.one(one)


def outcomes() -> list[Outcome]:
    from exporters.models import Delivery

    rows = Delivery.objects.select_related("exporter", "event").prefetch_related("tries")
    return [
        Outcome(row.exporter.name, str(row.event.event_id), row.state, row.attempts)
        for row in rows.iterator(500)
    ]


def poison_run(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    """Poison alone, as in a quiet night, then among good events."""
    made = stack.enter_context(installation(folder, picture_mb=64))
    token = made.login()
    edge = cameras_and_keys(made.server, token, 1)[0]
    witnesses = sinks(stack, made, token)
    accepted, odd = through_the_doors(made, token, edge)
    chance = chance_for(options.seed, "poison")
    sending = Sending(made.server.port, edge["key"])
    alone, among = poison(chance, 1), poison(chance, options.poison)
    sending.batch(alone)
    time.sleep(options.night)
    good = [event(chance, f"GOOD{number}") for number in range(options.good)]
    # The first third of the good ones has the poison between.
    mixed = [*good[: options.good // 3], *among]
    chance.shuffle(mixed)
    sending.evenly([*mixed, *good[options.good // 3 :]], options.rate)
    set_up_django(made)
    is_drained = wait_until_drained(LONGEST_WAIT_S)
    ids = {
        kind: {e["event_id"] for e in [*alone, *among] if e["plate"].startswith(f"{kind}-")}
        for kind in (*WEBHOOK_POISON, BULKY)
    }
    of_webhook = set[str]().union(*(ids[kind] for kind in WEBHOOK_POISON))
    found = Poisoned(
        good={one["event_id"]: sending.acked[one["event_id"]] for one in good},
        odd=odd,
        poison={
            name: of_webhook if name == "webhook" else ids[BULKY] if name != "kafka" else set()
            for name in witnesses
        },
        harmless=of_webhook | ids[BULKY],
        arrivals=settled(witnesses),
        outcomes=outcomes(),
        accepted=accepted,
        most_attempts=int(RETRY["max_attempts"]),
        longest_stall_s=options.stall,
    )
    tell(found, is_drained)
    return tell_findings(examine(found), controls(found))


def tell(found: Poisoned, is_drained: bool) -> None:
    print(f"{len(found.good)} good events, {len(found.odd)} odd ones that are valid, ", end="")
    print(f"{len(found.harmless)} that are poison somewhere; {'' if is_drained else 'NOT '}drained")
    for name in found.arrivals:
        states = Counter(one.state for one in found.outcomes if one.sink == name)
        attempts = max((o.attempts for o in found.outcomes if o.sink == name), default=0)
        print(
            f"{name:8} {states['delivered']} delivered, {states['dead']} dead, at most {attempts} "
            f"attempts; longest wait of a good one {found.longest_wait(name):.2f} s"
        )
