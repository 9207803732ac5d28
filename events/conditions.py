"""What a filter asks of an event, said twice: to the database, and in Python for the stream."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from fnmatch import translate
from functools import cached_property

from django.db.models import Exists, OuterRef, Q

from events.lookups import ascii_upper
from events.models import PlateEvent, TpmsReading
from events.plates import WILDCARDS


@dataclass(frozen=True)
class Condition(ABC):
    """One parameter of a filter; `q` and `holds` must agree on every event."""

    parameter: str
    field: str

    @property
    def q(self) -> Q:
        return self.on(self.field)

    @abstractmethod
    def on(self, field: str) -> Q:
        """Return the condition on a field of that name (rollups call theirs otherwise)."""

    @abstractmethod
    def holds(self, event: PlateEvent) -> bool: ...


@dataclass(frozen=True)
class OneOf(Condition):
    ids: frozenset[int]

    def on(self, field: str) -> Q:
        if len(self.ids) == 1:
            return Q((field, next(iter(self.ids))))
        return Q((f"{field}__in", sorted(self.ids)))

    def holds(self, event: PlateEvent) -> bool:
        return getattr(event, self.field) in self.ids


@dataclass(frozen=True)
class OneWord(Condition):
    """One of some words, however they are capitalised."""

    spellings: frozenset[str]

    def on(self, field: str) -> Q:
        return Q((f"{field}__spelled", self.spellings))

    def holds(self, event: PlateEvent) -> bool:
        return ascii_upper(getattr(event, self.field)) in self.spellings


@dataclass(frozen=True)
class AtLeast(Condition):
    bound: float | datetime

    def on(self, field: str) -> Q:
        return Q((f"{field}__gte", self.bound))

    def holds(self, event: PlateEvent) -> bool:
        return bool(getattr(event, self.field) >= self.bound)


@dataclass(frozen=True)
class Before(Condition):
    bound: datetime

    def on(self, field: str) -> Q:
        return Q((f"{field}__lt", self.bound))

    def holds(self, event: PlateEvent) -> bool:
        return bool(getattr(event, self.field) < self.bound)


@dataclass(frozen=True)
class PlateLike(Condition):
    pattern: str

    @property
    def is_pattern(self) -> bool:
        return any(wildcard in self.pattern for wildcard in WILDCARDS)

    def on(self, field: str) -> Q:
        return Q((f"{field}__wildcard" if self.is_pattern else field, self.pattern))

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        # fnmatch's translation never backtracks into an earlier `*`, so no pattern is slow.
        return re.compile(translate(self.pattern))

    def fits(self, plate: str) -> bool:
        return self._expression.match(plate) is not None

    def holds(self, event: PlateEvent) -> bool:
        return self.fits(getattr(event, self.field))


@dataclass(frozen=True)
class HasPicture(Condition):
    wanted: bool

    def on(self, field: str) -> Q:
        empty = Q((field, ""))
        return ~empty if self.wanted else empty

    def holds(self, event: PlateEvent) -> bool:
        return bool(getattr(event, self.field)) is self.wanted


@dataclass(frozen=True)
class HeardTyre(Condition):
    """Expects the event's tyres to be loaded, as `with_parts()` does."""

    tyre_id: str

    def on(self, field: str) -> Q:
        heard = TpmsReading.objects.filter(
            tyre_id=self.tyre_id, captured_at=OuterRef("captured_at"), event=OuterRef("pk")
        )
        return Q(Exists(heard))

    def holds(self, event: PlateEvent) -> bool:
        return any(tyre.tyre_id == self.tyre_id for tyre in event.tyres.all())
