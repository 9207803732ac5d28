"""Rules of sensors: new events, repeats, other content under the same id, batches, keys."""

# ruff: noqa: S101 - a rule asserts what must be answered
from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from ledger.machine.base import NUMBER, Base, pick
from ledger.machine.known import Key

PLATES = ["AB12 CDE", "ab-12-cde", "AA1", "AA 2", "WG4L2M", "Ä9"]
# How long ago it was captured, in hours; one clock is ahead.
AGES = [0, 0, 0, 1, 30, 15 * 24, 28 * 24, -1]
INSIDE = {"location": {"latitude": 0.5, "longitude": 0.5}}
Body = dict[str, Any]
READINGS = st.fixed_dictionaries(
    {
        "plate": st.sampled_from(PLATES),
        "confidence": st.sampled_from([0.3, 0.6, 0.9]),
        "age": st.sampled_from(AGES),
    }
)
SENSORS = st.integers(0, 2)
KINDS = ["new", "new", "repeat", "changed", "twin", "excluded", "invalid", "foreign"]


class Sending(Base):
    def reading(self, given: Mapping[str, Any]) -> Body:
        self.made += 1
        captured_at = self.world.now - timedelta(hours=given["age"])
        return {
            "event_id": str(uuid.UUID(int=(1 << 100) + self.made)),
            "plate": given["plate"],
            "confidence": given["confidence"],
            "captured_at": captured_at.isoformat(),
        }

    def _key(self, sensor: int, number: int) -> Key | None:
        known = [key for key in self.model.sent if key.sensor == sensor]
        return pick(known, number) if known else None

    def of_kind(self, kind: str, sensor: int, given: Mapping[str, Any], number: int) -> Body:
        """Return an event of this kind; a new one when nothing was sent that it could refer to."""
        body = self.reading(given)
        own = self._key(sensor, number)
        other = self._key((sensor + 1) % 3, number)
        match kind:
            case "repeat" if own:
                return dict(self.model.sent[own])
            case "changed" if own:
                return {**self.model.sent[own], "plate": "CHANGED"}
            case "twin" if other:
                return {**body, "event_id": other.event_id}
            case "excluded":
                return body | INSIDE
            case "invalid":
                return body | {"confidence": 7}
            case "foreign":
                return body | {"camera": self.model.sensors[sensor].camera + 1000}
        return body

    def settle(self, sensor: int, body: Body, status: int, answer: Mapping[str, Any]) -> None:
        """Judge one answer, and remember what was stored."""
        must = self.model.must_answer(sensor, body)
        key = Key(sensor, body["event_id"])
        self.did(f"answered {must}")
        assert status == must, f"{status} for {body}, expected {must}: {answer}"
        if must == 201:
            assert answer["event_id"] == body["event_id"]
            self.model.store(sensor, body, answer["id"], self.world.now)
        if must == 200:
            assert answer["id"] == self.model.events[key].id, "a repeat has another id"
        if must in {201, 202} and key not in self.model.erased:
            self.model.sent[key] = body

    def send(self, sensor: int, body: Body) -> None:
        by = self.model.sensors[sensor]
        status, answer = self.world.call("POST", "events/ingest", body, by=by.key)
        if by.refusal:
            self.did(f"answered {by.refusal}")
            assert status == by.refusal, f"{status}, expected {by.refusal}"
            return
        self.settle(sensor, body, status, answer)

    @rule(sensor=SENSORS, several=st.lists(READINGS, min_size=1, max_size=4))
    def new(self, sensor: int, several: list[Mapping[str, Any]]) -> None:
        for given in several:
            self.send(sensor, self.reading(given))

    @rule(sensor=SENSORS, given=READINGS, kind=st.sampled_from(KINDS[2:]), number=NUMBER)
    def odd(self, sensor: int, given: Mapping[str, Any], kind: str, number: int) -> None:
        self.send(sensor, self.of_kind(kind, sensor, given, number))

    @rule(
        sensor=SENSORS,
        items=st.lists(
            st.tuples(st.sampled_from([*KINDS, "same"]), READINGS, NUMBER), min_size=1, max_size=8
        ),
    )
    def batch(self, sensor: int, items: list[tuple[str, Mapping[str, Any], int]]) -> None:
        bodies: list[Body] = []
        for kind, given, number in items:
            again = kind == "same" and bodies
            bodies.append(dict(bodies[-1]) if again else self.of_kind(kind, sensor, given, number))
        by = self.model.sensors[sensor]
        status, results = self.world.call("POST", "events/ingest/batch", bodies, by=by.key)
        assert status == (by.refusal or 200)
        self.did("batches")
        if not by.refusal:
            assert len(results) == len(bodies)
            for body, result in zip(bodies, results, strict=True):
                self.settle(sensor, body, result["status"], result)

    @rule(
        sensor=SENSORS, action=st.sampled_from(["", "", "revoke", "new key", "new key", "switch"])
    )
    @precondition(lambda self: self.model.events)
    def credentials(self, sensor: int, action: str) -> None:
        self.did("credentials changed")
        by = self.model.sensors[sensor]
        if action == "switch" or (action == "new key" and not by.enabled):
            by.enabled = not by.enabled
            body = {"enabled": by.enabled}
            path = f"config/sensors/{by.id}"
            self.world.heeded(lambda: self.ask("PATCH", path, body, must=200))
        elif action == "new key":
            self.new_key(by)
        elif action and by.is_live:
            (key,) = [pk for pk, text in by.keys.items() if text == by.key]
            path = f"config/sensors/{by.id}/keys/{key}"
            self.world.heeded(lambda: self.ask("DELETE", path, must=204))
            by.is_live = False
