"""What arrived at the sinks, read there and not asked of the product."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

# A message under way is given up, and sent again, after the exporters' time limit and lease; what a
# broker had been sent while it was frozen comes with the rest when it goes on.
AFTERMATH_S = 15
EXPLANATIONS = ("worker killed", "worker frozen", "database away", "broker away")


@dataclass
class Arrival:
    """One message that a sink took; `answered`: the sink knows that its answer went out."""

    at: float
    event_id: str
    answered: bool = True
    # What stays the same over every attempt, as far as the kind of sink shows one.
    message_id: str = ""


class Named(Protocol):
    """A message that came: of which event, under which id."""

    @property
    def event_id(self) -> str: ...

    @property
    def message_id(self) -> str: ...


def other_ids(came: Mapping[str, Iterable[Named]]) -> Iterator[str]:
    """Yield each event that came to a sink under another id than before."""
    for sink, messages in came.items():
        ids: dict[str, str] = {}
        for one in messages:
            if ids.setdefault(one.event_id, one.message_id) != one.message_id:
                yield f"{sink}: {one.event_id}"


class Witness(Protocol):
    """Reads one sink."""

    def arrivals(self) -> list[Arrival]: ...

    def close(self) -> None: ...


@dataclass
class WebhookWitness:
    """Reads what receiver.py wrote down; the id of a message begins with that of the event."""

    log: Path

    def arrivals(self) -> list[Arrival]:
        found = []
        for line in self.log.read_text().splitlines():
            at, message_id, answer = line.split()
            event_id = str(UUID(message_id.split("_")[1]))
            found.append(Arrival(float(at), event_id, answer == "ok", message_id))
        return found

    def close(self) -> None:
        pass


@dataclass
class MqttWitness:
    """A subscriber with a session that outlives its connection."""

    port: int
    topic: str = "anpr/#"
    name: str = "witness"
    _found: list[Arrival] = field(default_factory=list)

    def __post_init__(self) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self._client = Client(CallbackAPIVersion.VERSION2, self.name, clean_session=False)
        self._client.on_message = self._on_message
        subscribed = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe(self.topic, qos=1)
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", self.port)
        self._client.loop_start()
        if not subscribed.wait(10):
            raise RuntimeError("the broker took no subscription")

    def _on_message(self, client: Any, userdata: Any, message: Any) -> None:
        self._found.append(arrival_of(message.payload))

    def arrivals(self) -> list[Arrival]:
        return list(self._found)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@dataclass
class KafkaWitness:
    """Reads every partition of the topic from its beginning."""

    servers: str
    topic: str
    _found: list[Arrival] = field(default_factory=list)

    def __post_init__(self) -> None:
        from confluent_kafka import Consumer, TopicPartition
        from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

        admin = AdminClient({"bootstrap.servers": self.servers})
        with suppress(Exception):  # it may be there
            for made in admin.create_topics([NewTopic(self.topic, 4, 1)]).values():
                made.result(10)
        # Quiet: a broker that is frozen for minutes is no news here.
        options = {"bootstrap.servers": self.servers, "group.id": "witness", "log_level": 2}
        self._consumer = Consumer(options | {"auto.offset.reset": "earliest"})
        partitions = self._consumer.list_topics(self.topic, timeout=10).topics[self.topic]
        self._consumer.assign([TopicPartition(self.topic, at, 0) for at in partitions.partitions])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while not self._stop.is_set():
            for message in self._consumer.consume(500, timeout=0.5):
                if message.error() is None and (value := message.value()):
                    self._note(value, message)

    def _note(self, value: bytes | str, message: Any) -> None:
        headers = dict(message.headers() or [])
        self._found.append(arrival_of(value, str(headers.get("message_id"))))

    def arrivals(self) -> list[Arrival]:
        return list(self._found)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._consumer.close()


def arrival_of(body: bytes | str, message_id: str = "") -> Arrival:
    """Note an envelope; without an id beside it, the event's id of ours is what must not change."""
    event = json.loads(body)["data"]
    return Arrival(
        time.monotonic(), str(event["event_id"]), message_id=message_id or str(event["id"])
    )


@dataclass
class Interruption:
    """Something that was done to the installation; `until` is when it was over."""

    kind: str
    at: float
    until: float


@dataclass
class Verdict:
    """What one sink got, beside what it should have got."""

    expected: int
    arrived: int
    missing: list[str]
    unknown: list[str]
    # How often an event came once more, by what explains it; "unexplained" is a failure.
    again: dict[str, int]

    @property
    def is_good(self) -> bool:
        return not (self.missing or self.unknown or self.again.get("unexplained"))


def judge(
    expected: list[str], arrivals: list[Arrival], interruptions: list[Interruption]
) -> Verdict:
    wanted = set(expected)
    last: dict[str, Arrival] = {}
    again: dict[str, int] = {}
    for arrival in arrivals:
        previous = last.get(arrival.event_id)
        if previous is not None:
            why = _explanation(previous, arrival, interruptions)
            again[why] = again.get(why, 0) + 1
        last[arrival.event_id] = arrival
    return Verdict(
        expected=len(wanted),
        arrived=len(last),
        missing=sorted(wanted - last.keys()),
        unknown=sorted(last.keys() - wanted),
        again=again,
    )


def _explanation(first: Arrival, second: Arrival, interruptions: list[Interruption]) -> str:
    """Say what may have kept the answer to the first one from being written down."""
    if not first.answered:
        return "answer cut"
    kinds = {
        interruption.kind
        for interruption in interruptions
        if first.at - 1 <= interruption.until and interruption.at <= second.at
    }
    # The first that fits: a worker that was killed explains it better than a broker that was away.
    return next((kind for kind in EXPLANATIONS if kind in kinds), "unexplained")
