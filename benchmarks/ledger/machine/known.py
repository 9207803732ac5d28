"""What the model knows: plain values, no row of the product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple


class Key(NamedTuple):
    """What tells an event from all others: the sensor's number among the model's, and the event_id."""

    sensor: int
    event_id: str


@dataclass(eq=False)
class Event:
    key: Key
    body: Mapping[str, Any]
    id: int
    plate: str
    camera: int
    zone: int | None
    captured_at: datetime
    received_at: datetime
    position: int | None = None

    @property
    def confidence(self) -> float:
        return float(self.body["confidence"])


@dataclass(eq=False)
class Sensor:
    id: int
    camera: int
    zone: int | None
    keys: dict[int, str] = field(default_factory=dict)
    key: str = ""
    is_live: bool = True
    enabled: bool = True

    @property
    def refusal(self) -> int | None:
        """The status with which all that it sends is refused, if it is."""
        if not self.is_live:
            return 401
        return None if self.enabled else 403


@dataclass(eq=False)
class Hold:
    id: int
    plate: str = ""
    camera: int | None = None
    zone: int | None = None
    since: datetime | None = None
    is_active: bool = True

    def holds(self, event: Event) -> bool:
        return (
            self.is_active
            and (not self.plate or fits(event.plate, self.plate))
            and (self.camera is None or event.camera == self.camera)
            and (self.zone is None or event.zone == self.zone)
            and (self.since is None or event.captured_at >= self.since)
        )


def fits(plate: str, pattern: str) -> bool:
    """Patterns here end in `*` or hold none."""
    return plate.startswith(pattern[:-1]) if pattern.endswith("*") else plate == pattern


@dataclass(frozen=True)
class Answer:
    """What a sink says; without a code it cuts the connection."""

    code: int | None = 204
    retry_after: int | None = None
    stalls: bool = False

    @property
    def is_ok(self) -> bool:
        return self.code is not None and self.code < 300

    @property
    def is_gone(self) -> bool:
        return self.code == 410

    @property
    def blames_sink(self) -> bool:
        return self.code is None or self.code >= 500


@dataclass(frozen=True)
class Retry:
    """A policy in the API's words, and what it means."""

    body: Mapping[str, Any]
    delays: tuple[float, ...]
    jitter: float
    timeout_s: float = 15

    @property
    def most(self) -> int:
        return len(self.delays) + 1

    @property
    def span_s(self) -> float:
        return sum(self.delays) * (1 + self.jitter) + self.timeout_s * self.most


STANDARD = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
SHORT = {"max_attempts": 3, "base_delay_s": 10, "max_delay_s": 15, "jitter": 0}
WIDE = {"max_attempts": 6, "base_delay_s": 600, "jitter": 0.5, "timeout_s": 2}
RETRIES = (
    Retry({}, STANDARD, 0.2),
    Retry(SHORT, (10, 15), 0),
    Retry(WIDE, (600, 1200, 2400, 4800, 9600), 0.5, timeout_s=2),
)


@dataclass(eq=False)
class Delivery:
    event: Event
    created_at: datetime
    # Between these the next attempt has to be; what it is exactly is read when it is judged.
    earliest: datetime
    latest: datetime
    state: str = "pending"
    attempts: int = 0
    tries: int = 0
    first_try_at: datetime | None = None
    has_failed: bool = False

    @property
    def due_at(self) -> datetime:
        return self.latest


@dataclass(frozen=True)
class Wanted:
    """An exporter's filters."""

    cameras: tuple[int, ...] = ()
    plates: tuple[str, ...] = ()
    min_confidence: float | None = None

    @property
    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = {"cameras": self.cameras, "plates": self.plates}
        return found | {"min_confidence": self.min_confidence}

    def takes(self, event: Event) -> bool:
        return (
            (not self.cameras or event.camera in self.cameras)
            and (not self.plates or any(fits(event.plate, each) for each in self.plates))
            and (self.min_confidence is None or event.confidence >= self.min_confidence)
        )
