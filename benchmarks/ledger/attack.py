"""The attack: sensors, streams and sinks work while the nemesis breaks one thing after the other."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from delivering import mqtt_broker, receiver
from product import ROOT

from exporters.tests.brokers import tansu_broker
from ledger.arrivals import (
    Arrival,
    Interruption,
    KafkaWitness,
    MqttWitness,
    WebhookWitness,
    Witness,
)
from ledger.book import Book, Entry, read
from ledger.edge import Allowance, BatchSensor, Habits, Sensor
from ledger.evidence import (
    Evidence,
    age_and_sweep,
    deliveries,
    listed_keys,
    receipts,
    shown_wrong,
    stored_files,
    stored_rows,
    stories,
)
from ledger.installation import (
    Installation,
    cameras_and_keys,
    chance_for,
    child,
    installation,
    set_up_django,
)
from ledger.nemesis import Nemesis

TOPIC = "plates"
RETRY = {"max_attempts": 100, "base_delay_s": 0.3, "max_delay_s": 2, "timeout_s": 2}
# A frame of noise is up to 28 kB, a crop 2 kB.
KB_PER_EVENT = 16
PICTURES_LOOKED_AT = 500


@dataclass
class Attack:
    """What is left when it is over."""

    made: Installation
    nemesis: Nemesis
    found: Evidence
    proxy_log: Path
    took_s: float


def make_exporters(made: Installation, token: str, sinks: dict[str, dict[str, Any]]) -> None:
    for kind, config in sinks.items():
        fields = {"name": kind, "exporter_type": kind, "config": config, "retry": RETRY}
        made.server.json("POST", "/api/v1/exporters", fields, Authorization=f"Token {token}")


def make_sensors(
    edges: list[dict[str, Any]], options: argparse.Namespace, book: Book, api: int, proxy: int
) -> list[Sensor]:
    """All send through the proxy but the last one, which tells when the API is back."""
    allowance = Allowance(options.events)
    sensors = []
    for number, edge in enumerate(edges):
        kind = BatchSensor if number == 0 else Sensor
        is_direct = number == len(edges) - 1
        sensors.append(
            kind(
                number=edge["sensor"],
                key=edge["key"],
                port=api if is_direct else proxy,
                book=book,
                allowance=allowance,
                chance=chance_for(options.seed, f"sensor {number}"),
                pause_s=len(edges) / options.rate,
                direct=is_direct,
                habits=Habits(without_picture=1.0) if is_direct else None,
            )
        )
    return sensors


def send_all(sensors: list[Sensor], nemesis: Nemesis, options: argparse.Namespace) -> None:
    for sensor in sensors:
        sensor.start()
    nemesis.start()
    told = time.monotonic()
    while any(sensor.is_alive() for sensor in sensors):
        time.sleep(0.2)
        if nemesis.failure is not None:
            break
        if time.monotonic() - told > 30:
            told = time.monotonic()
            left = sensors[0].allowance.left
            print(f"    {left} events to send, {nemesis.kills} kills", flush=True)
    nemesis.end()


def wait_until_drained(deadline_s: float) -> bool:
    from events.models import EventReceipt

    deadline = time.monotonic() + deadline_s
    while EventReceipt.objects.waiting().exists() or deliveries()[0]:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.3)
    return True


def settled(witnesses: dict[str, Witness]) -> dict[str, list[Arrival]]:
    """Return what arrived at each, once nothing more does anywhere."""
    counts: list[int] | None = None
    while True:
        found = {name: witness.arrivals() for name, witness in witnesses.items()}
        before, counts = counts, [len(arrivals) for arrivals in found.values()]
        if counts == before:
            return found
        time.sleep(1)


def end_streams(stdin: IO[str] | None, cameras: list[int | None]) -> None:
    """Tell the clients what is the last position that each will get."""
    last = {str(camera): 0 for camera in cameras}
    for row in stored_rows():
        for camera in (None, row.camera):
            last[str(camera)] = max(last.get(str(camera), 0), row.position or 0)
    assert stdin is not None  # noqa: S101 - for the type checker
    stdin.write(json.dumps({"last": last}) + "\n")
    stdin.flush()


def watch(
    stack: ExitStack, made: Installation, token: str, cameras: list[Any], options: Any
) -> tuple[Any, Path]:
    """Start the stream's clients."""
    output = made.folder / "streams.jsonl"
    process = stack.enter_context(child("watchers.py", str(output)))
    orders = {
        "url": f"ws://127.0.0.1:{made.server.stream_port}/api/v1/events/stream",
        "token": token,
        "seed": options.seed,
        "cut_s": options.cut,
        "cameras": cameras,
    }
    assert process.stdin is not None  # noqa: S101 - for the type checker
    process.stdin.write(json.dumps(orders) + "\n")
    process.stdin.flush()
    return process, output


def proxy(stack: ExitStack, made: Installation, options: Any) -> tuple[int, Path]:
    log = made.folder / "proxy.log"
    log.touch()
    arguments = ("--upstream", str(made.server.port), "--seed", str(options.seed))
    started = stack.enter_context(child("fault_proxy.py", *arguments, "--log", str(log)))
    assert started.stdout is not None  # noqa: S101 - for the type checker
    return int(started.stdout.readline()), log


def witnesses_of(
    stack: ExitStack, made: Installation, token: str, options: Any
) -> tuple[dict[str, Witness], Any, Any]:
    """Start the sinks, their witnesses, and exporters to them."""
    log = made.folder / "webhook.log"
    log.touch()
    faults = ("--faults", str(options.sink_faults), "--seed", str(options.seed), "--log", str(log))
    url = stack.enter_context(receiver(*faults))
    mqtt = stack.enter_context(mqtt_broker(made.folder))
    kafka = tansu_broker()
    kafka.start()
    stack.callback(kafka.stop)
    address = f"127.0.0.1:{kafka.port}"
    place = {"host": "127.0.0.1", "port": mqtt.port, "topic": "anpr/{camera}/{plate}", "qos": 1}
    witnesses: dict[str, Witness] = {
        "webhook": WebhookWitness(log),
        "mqtt": MqttWitness(mqtt.port),
        "kafka": KafkaWitness(address, TOPIC),
    }
    for witness in witnesses.values():
        stack.callback(witness.close)
    servers = {"bootstrap_servers": address, "topic": TOPIC}
    make_exporters(made, token, {"webhook": {"url": url}, "mqtt": place, "kafka": servers})
    return witnesses, mqtt if mqtt.keeps_messages else None, kafka


def gather(
    made: Installation,
    token: str,
    entries: list[Entry],
    told: Path,
    arrivals: Any,
    interruptions: list[Interruption],
) -> Evidence:
    manage = [sys.executable, str(ROOT / "manage.py"), "prune_events"]
    swept = age_and_sweep(made, manage)
    pending, dead = deliveries()
    return Evidence(
        entries=entries,
        rows=stored_rows(),
        receipts=receipts(),
        listed=listed_keys(made, token),
        files=stored_files(made.storage.uploads),
        shown_wrong=shown_wrong(made, token, entries, PICTURES_LOOKED_AT),
        stories=stories(told),
        arrivals=arrivals,
        interruptions=interruptions,
        pending=pending,
        dead=dead,
        notes=[f"the sweep: {swept}"],
    )


def attack(options: argparse.Namespace, folder: Path, stack: ExitStack) -> Attack:
    """Do all of it; the installation lives on until the stack is closed."""
    begun = time.monotonic()
    room_mb = options.events * KB_PER_EVENT // 1024 + 64
    made = stack.enter_context(installation(folder, picture_mb=room_mb))
    token = made.login()
    edges = cameras_and_keys(made.server, token, options.sensors)
    witnesses, mqtt, kafka = witnesses_of(stack, made, token, options)
    # Every tenth client wants everything, the others one camera each.
    cameras = [
        edges[number % len(edges)]["camera"] if number % 10 else None
        for number in range(options.clients)
    ]
    watching, told = watch(stack, made, token, cameras, options)
    port, proxy_log = proxy(stack, made, options)
    book = Book(folder / "ledger.jsonl")
    sensors = make_sensors(edges, options, book, made.server.port, port)
    chance = chance_for(options.seed, "nemesis")
    nemesis = Nemesis(made, chance, mqtt, kafka, tuple(options.pause), options.frozen)
    print(f"{time.monotonic() - begun:.0f} s: everything is up", flush=True)
    send_all(sensors, nemesis, options)
    print(f"{time.monotonic() - begun:.0f} s: all sent, {nemesis.kills} kills", flush=True)
    made.wait_until_ready()
    set_up_django(made)
    is_drained = wait_until_drained(options.drain)
    print(f"{time.monotonic() - begun:.0f} s: {'' if is_drained else 'NOT '}drained", flush=True)
    end_streams(watching.stdin, cameras)
    watching.wait(timeout=120)
    arrivals = settled(witnesses)
    book.close()
    found = gather(made, token, read(book.path), told, arrivals, nemesis.interruptions())
    return Attack(made, nemesis, found, proxy_log, time.monotonic() - begun)
