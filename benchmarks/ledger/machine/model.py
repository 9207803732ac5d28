"""The model: what must be there after each step, in the plainest way to say it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ledger.machine.known import Event, Hold, Key, Sensor
from ledger.machine.sinks import Exporter

USUAL_DAYS = 30


def plate_of(text: str) -> str:
    return "".join(character for character in text.upper() if character.isalnum())


@dataclass
class Model:
    sensors: list[Sensor] = field(default_factory=list)
    # A zone's own days; None: as everywhere.
    days: dict[int, int | None] = field(default_factory=dict)
    exclusion: int = 0
    events: dict[Key, Event] = field(default_factory=dict)
    # When the erased ones were captured.
    erased: dict[Key, datetime] = field(default_factory=dict)
    # All that was ever sent, to be sent again.
    sent: dict[Key, Mapping[str, Any]] = field(default_factory=dict)
    holds: list[Hold] = field(default_factory=list)
    exporters: list[Exporter] = field(default_factory=list)
    head: int = 0

    def must_answer(self, sensor: int, body: Mapping[str, Any]) -> int:
        """Return the status that this event alone must be answered with."""
        key = Key(sensor, str(body.get("event_id")))
        if not 0 <= body["confidence"] <= 1:
            return 400
        if body.get("camera", self.sensors[sensor].camera) != self.sensors[sensor].camera:
            return 403
        if "location" in body or key in self.erased:
            # The one place that an event may name is excluded.
            return 202
        if key in self.events:
            return 200 if self.events[key].body == body else 422
        return 201

    def store(self, sensor: int, body: Mapping[str, Any], pk: int, now: datetime) -> Event:
        key, by = Key(sensor, body["event_id"]), self.sensors[sensor]
        event = Event(
            key=key,
            body=body,
            id=pk,
            plate=plate_of(body["plate"]),
            camera=by.camera,
            zone=by.zone,
            captured_at=datetime.fromisoformat(body["captured_at"]),
            received_at=now,
        )
        self.events[key] = event
        return event

    def waiting(self) -> list[Event]:
        found = [event for event in self.events.values() if event.position is None]
        return sorted(found, key=lambda event: event.id)

    def dispatch(self, now: datetime) -> list[Event]:
        """Everything that waits goes to every exporter that wants it; return it."""
        found = self.waiting()
        for exporter in self.exporters:
            if exporter.enabled:
                exporter.add((event for event in found if exporter.wanted.takes(event)), now)
        return found

    def is_held(self, event: Event) -> bool:
        return any(hold.holds(event) for hold in self.holds)

    def prune(self, usual: int, now: datetime) -> int:
        """Forget what its zone keeps no longer; return how much."""

        def limit(zone: int | None) -> datetime:
            own = None if zone is None else self.days[zone]
            return now - timedelta(days=usual if own is None else own)

        gone = {
            event
            for event in self.events.values()
            if min(event.captured_at, event.received_at) < limit(event.zone)
            and not self.is_held(event)
        }
        self._forget(gone)
        oldest = min(limit(zone) for zone in (None, *self.days))
        self.erased = {key: at for key, at in self.erased.items() if at >= oldest}
        return len(gone)

    def erase(self, plate: str) -> int | None:
        """Erase all of a plate and return how many; None when a hold keeps one of them."""
        gone = {event for event in self.events.values() if event.plate == plate}
        if any(map(self.is_held, gone)):
            return None
        self._forget(gone)
        self.erased |= {event.key: event.captured_at for event in gone}
        return len(gone)

    def _forget(self, gone: Collection[Event]) -> None:
        for event in gone:
            del self.events[event.key]
        for exporter in self.exporters:
            exporter.forget(set(gone))
