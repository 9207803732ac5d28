"""Breaks one thing after the other, in an order that the seed decides."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ledger.arrivals import AFTERMATH_S, Interruption
from ledger.installation import Installation

# One deck of faults; it is shuffled anew each time it is used up.
DECK = {
    "api killed": 2,
    "worker killed": 2,
    "stream killed": 2,
    "everything killed": 1,
    "database stopped at once": 1,
    "database backend killed": 1,
    "database connections ended": 1,
    "database frozen": 1,
    "redis shut down": 1,
    "redis emptied": 1,
    "redis paused": 1,
    "mqtt broker restarted": 1,
    "kafka broker frozen": 1,
    "disk full": 1,
    "api frozen": 1,
    "worker frozen": 1,
    "stream frozen": 1,
}
KILLS = {name for name in DECK if "killed" in name or name == "database stopped at once"}
# What makes a delivery come again: its outcome could not be written down.
DOUBTFUL = {
    "worker killed": "worker killed",
    "everything killed": "worker killed",
    "worker frozen": "worker frozen",
    "database stopped at once": "database away",
    "database backend killed": "database away",
    "database connections ended": "database away",
    "database frozen": "database away",
    "mqtt broker restarted": "broker away",
    "kafka broker frozen": "broker away",
}


@dataclass
class Fault:
    """What was done, and from when to when."""

    kind: str
    at: float
    until: float


@dataclass
class Nemesis:
    """Runs in a thread of its own until told to end; leaves nothing broken behind."""

    made: Installation
    chance: random.Random
    mqtt: Any
    kafka: Any
    pause_s: tuple[float, float]
    frozen_s: float
    faults: list[Fault] = field(default_factory=list)
    failure: BaseException | None = None
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, name="nemesis", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self.stopping.set()
        self._thread.join()
        if self.failure is not None:
            raise RuntimeError("the nemesis failed itself") from self.failure

    @property
    def counts(self) -> Counter[str]:
        return Counter(fault.kind for fault in self.faults)

    @property
    def kills(self) -> int:
        return sum(fault.kind in KILLS for fault in self.faults)

    def deck(self) -> list[str]:
        left_out = set() if self.made.storage.is_mounted else {"disk full"}
        if self.mqtt is None:
            left_out.add("mqtt broker restarted")
        kinds = [kind for kind, count in DECK.items() for _ in range(count)]
        deck = [kind for kind in kinds if kind not in left_out]
        self.chance.shuffle(deck)
        return deck

    def _run(self) -> None:
        try:
            deck: list[str] = []
            while not self.stopping.wait(self.chance.uniform(*self.pause_s)):
                deck = deck or self.deck()
                self.do(deck.pop())
        except BaseException as error:  # told to the one who waits for the end
            self.failure = error

    def do(self, kind: str) -> None:
        kill, freeze = self._kill, self._freeze
        ways: dict[str, Callable[[], object]] = {
            "api killed": lambda: kill("api"),
            "worker killed": lambda: kill("worker"),
            "stream killed": lambda: kill("stream"),
            "everything killed": self._kill_everything,
            "database stopped at once": self._stop_database,
            "database backend killed": self._kill_backend,
            "database connections ended": self._end_connections,
            "database frozen": self._freeze_database,
            "redis shut down": self._stop_redis,
            "redis emptied": lambda: self.made.redis.command("FLUSHALL"),
            "redis paused": lambda: self.made.redis.command("CLIENT", "PAUSE", 3000),
            "mqtt broker restarted": self._restart_mqtt,
            "kafka broker frozen": self._freeze_kafka,
            "disk full": self._fill_disk,
            "api frozen": lambda: freeze("api"),
            "worker frozen": lambda: freeze("worker"),
            "stream frozen": lambda: freeze("stream"),
        }
        begun = time.monotonic()
        if ways[kind]() is not False:
            self.faults.append(Fault(kind, begun, time.monotonic()))

    def _kill(self, name: str) -> bool:
        return self.made.signal(name, signal.SIGKILL)

    def _freeze(self, name: str) -> bool:
        if not self.made.signal(name, signal.SIGSTOP):
            return False
        time.sleep(self.frozen_s)
        return self.made.signal(name, signal.SIGCONT)

    def _kill_everything(self) -> None:
        self.made.server.kill()
        self.made.server.start()

    def _stop_database(self) -> None:
        self.made.postgres.stop(signal.SIGQUIT)
        time.sleep(self.chance.uniform(0, 3))
        self.made.postgres.start()

    def _kill_backend(self) -> bool:
        backends = self.made.postgres.backends()
        if not backends:
            return False
        with suppress(ProcessLookupError):
            os.kill(self.chance.choice(backends), signal.SIGKILL)
        return True

    def _end_connections(self) -> None:
        for _ in range(3):
            self.made.postgres.end_connections()
            time.sleep(0.5)

    def _freeze_database(self) -> None:
        """Connections are taken and nothing is answered: a pooler that pauses, a disk that hangs."""
        self.made.postgres.signal(signal.SIGSTOP)
        time.sleep(self.frozen_s)
        self.made.postgres.signal(signal.SIGCONT)

    def _stop_redis(self) -> None:
        self.made.redis.stop()
        time.sleep(self.chance.uniform(1, 4))
        self.made.redis.start()

    def _restart_mqtt(self) -> None:
        self.mqtt.stop()
        time.sleep(self.chance.uniform(0, 3))
        self.mqtt.start()

    def _freeze_kafka(self) -> None:
        self.kafka.freeze()
        time.sleep(min(3, self.frozen_s))
        self.kafka.thaw()

    def _fill_disk(self) -> None:
        # Nothing left: writes fail. A little: ingest refuses before it writes.
        self.made.storage.fill(self.chance.choice([0, 0, 512 * 1024]))
        time.sleep(min(4, self.frozen_s))
        self.made.storage.free()

    def interruptions(self) -> list[Interruption]:
        """What may explain that a sink got a message twice."""
        return [
            Interruption(DOUBTFUL[fault.kind], fault.at, fault.until + AFTERMATH_S)
            for fault in self.faults
            if fault.kind in DOUBTFUL
        ]
