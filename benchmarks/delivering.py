"""What the benchmarks of delivery share: database, events, sinks and workers, as real processes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from product import ROOT, services

if TYPE_CHECKING:
    from exporters.models import ExporterConfig
    from sensors.credentials import Credential

HERE = Path(__file__).resolve().parent
PLATES = [f"{letters}{number:03}" for letters in ("ABC", "KLM", "XYZ") for number in range(1000)]


@contextmanager
def installation(folder: Path) -> Iterator[None]:
    """PostgreSQL that keeps its promises, Redis, and Django set up on them with its tables."""
    extra, started = services(folder)
    os.environ |= extra | {
        "DATA_DIR": str(folder / "var"),
        "DJANGO_SETTINGS_MODULE": "anpr_project.settings",
        "EXPORT_ALLOW_NETWORKS": "127.0.0.0/8",
        "LOG_LEVEL": "WARNING",
    }
    import django
    from django.core.management import call_command
    from django.db import connection

    django.setup()
    try:
        call_command("migrate", verbosity=0)
        yield
    finally:
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]
        for process in started:
            process.send_signal(signal.SIGINT)
            process.wait()


def make_credential() -> Credential:
    from sensors.credentials import Credential
    from sensors.models import SensorKey, SensorSettings

    sensor, _ = SensorSettings.objects.get_or_create(name="benchmark")
    return Credential(SensorKey(sensor=sensor), ())


def make_exporter(name: str, kind: str, config: dict[str, Any], **retry: Any) -> ExporterConfig:
    from exporters.models import ExporterConfig

    return ExporterConfig.objects.create(
        name=name, exporter_type=kind, config=config, auth=json.dumps({"type": "none"}), retry=retry
    )


def raw_event(chance: random.Random) -> bytes:
    """An event as sensors send it, of middling length."""
    event = {
        "event_id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "plate": chance.choice(PLATES),
        "confidence": round(chance.random(), 3),
        "captured_at": datetime.now(UTC).isoformat(),
        "region": "gb",
        "candidates": [{"plate": chance.choice(PLATES), "confidence": 0.3}],
        "bbox": [691, 397, 59, 34],
        "vehicle": {"type": "car", "make": "Volkswagen", "model": "Golf", "color": "blue"},
        "location": {"latitude": 51.5, "longitude": -0.12},
    }
    return json.dumps(event).encode()


def store(credential: Credential, count: int, chance: random.Random) -> list[str]:
    """Store events; return their ids, which is what must come out at the other end."""
    from events.ingest.batch import record_batch

    ids: list[str] = []
    while len(ids) < count:
        batch = [raw_event(chance) for _ in range(min(1000, count - len(ids)))]
        results = record_batch(credential=credential, raw_events=batch)
        ids += [str(result["event_id"]) for result in results]
    return ids


def start_worker(folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "worker.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, str(ROOT / "manage.py"), "deliver"], stdout=log, stderr=log
        )


@contextmanager
def child(command: list[str]) -> Iterator[str]:
    """Run a process that prints where it listens; end it afterwards."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None  # noqa: S101 - for the type checker
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


@contextmanager
def receiver(*options: str) -> Iterator[str]:
    """Return the URL of a sink for webhooks (receiver.py)."""
    with child([sys.executable, str(HERE / "receiver.py"), *options]) as port:
        yield f"http://127.0.0.1:{port}/hook"


@contextmanager
def mqtt_broker(folder: Path) -> Iterator[Any]:
    """mosquitto that keeps what it acknowledged over a restart, and queues without a limit."""
    from exporters.tests.brokers import MOSQUITTO, iotcore_broker, mosquitto_broker

    keeps = (
        *("persistence true", f"persistence_location {folder}/", "autosave_interval 1"),
        *("max_queued_messages 0", "max_inflight_messages 1000"),
    )
    broker = mosquitto_broker(folder, settings=keeps) if MOSQUITTO else None
    broker = broker or iotcore_broker(folder, "3.1.1")
    broker.keeps_messages = bool(MOSQUITTO)  # type: ignore[attr-defined]
    broker.start()
    with ExitStack() as stack:
        stack.callback(broker.stop)
        yield broker


@contextmanager
def kafka_broker() -> Iterator[str]:
    """Return the address of an independent implementation of Kafka's protocol."""
    from exporters.tests.brokers import tansu_broker

    broker = tansu_broker()
    broker.start()
    with ExitStack() as stack:
        stack.callback(broker.stop)
        yield f"127.0.0.1:{broker.port}"


MOCK_CLUSTER = """
import sys
from confluent_kafka import Producer
producer = Producer({"bootstrap.servers": "ignored:1", "test.mock.num.brokers": 1, "log_level": 0})
broker = next(iter(producer.list_topics(timeout=10).brokers.values()))
print(f"{broker.host}:{broker.port}", flush=True)
sys.stdin.read()
"""


@contextmanager
def mock_kafka() -> Iterator[str]:
    """Return the address of librdkafka's own stand-in for a cluster, in a process of its own."""
    with child([sys.executable, "-c", MOCK_CLUSTER]) as address:
        yield address
