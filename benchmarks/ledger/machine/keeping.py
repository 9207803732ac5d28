"""Rules of time: it passes; what is old goes, what is held stays, what is erased does not come back."""

# ruff: noqa: S101 - a rule asserts what must be answered
from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from ledger.machine.base import NUMBER, Base, pick
from ledger.machine.judge import look
from ledger.machine.known import Hold
from ledger.machine.model import USUAL_DAYS, plate_of
from ledger.machine.sending import PLATES

DAY_S = 86_400
WAITS = [1, 30, 400, 7200, DAY_S, 6 * DAY_S, 20 * DAY_S]
WHAT = ["plate", "pattern", "camera", "zone", "time"]


class Keeping(Base):
    @rule(seconds=st.sampled_from(WAITS))
    def wait(self, seconds: int) -> None:
        self.world.move(seconds)

    @rule(days=st.sampled_from([USUAL_DAYS, USUAL_DAYS, 10, 1]))
    @precondition(lambda self: self.model.events)
    def prune(self, days: int) -> None:
        gone = self.model.prune(days, self.world.now)
        told = self.world.prune(days)
        self.done["pruned"] += gone
        assert told == gone, f"{told} pruned, expected {gone}"

    @precondition(lambda self: self.model.events)
    @rule(number=st.integers(0, 1), days=st.sampled_from([None, 5, 60]))
    def days_of_a_zone(self, number: int, days: int | None) -> None:
        zone = [pk for pk in self.model.days if pk != self.model.exclusion][number]
        self.ask("PATCH", f"config/zones/{zone}", {"retention_days": days}, must=200)
        self.model.days[zone] = days

    @rule(what=st.sampled_from(WHAT), plate=st.sampled_from(PLATES), number=NUMBER)
    @precondition(
        lambda self: self.model.events and sum(hold.is_active for hold in self.model.holds) < 2
    )
    def place_hold(self, what: str, plate: str, number: int) -> None:
        self.made += 1
        by = pick(self.model.sensors, number)
        hold = Hold(0)
        match what:
            case "plate":
                hold.plate = plate_of(plate)
            case "pattern":
                hold.plate, hold.camera = "A*", by.camera
            case "zone" if by.zone is not None:
                hold.zone = by.zone
            case "time":
                hold.since = self.world.now - timedelta(hours=20)
            case _:
                hold.camera = by.camera
        fields = {
            "name": f"Case {self.made}",
            "reason": "asked for by a court",
            "plate": plate if what == "plate" else hold.plate,
            "camera": hold.camera,
            "zone": hold.zone,
            "captured_after": hold.since and hold.since.isoformat(),
        }
        hold.id = self.world.make("holds", **fields)["id"]
        self.model.holds.append(hold)
        self.did("holds placed")

    @rule(number=NUMBER)
    @precondition(lambda self: self.model.holds)
    def lift_hold(self, number: int) -> None:
        hold = pick(self.model.holds, number)
        self.ask("POST", f"holds/{hold.id}/lift", must=200)
        hold.is_active = False

    @rule(plate=st.sampled_from(PLATES))
    @precondition(lambda self: self.model.events)
    def erase(self, plate: str) -> None:
        body = {"plate": plate, "reason": "asked for by its owner"}
        gone = self.model.erase(plate_of(plate))
        found = self.ask("POST", "plates/erase", body, must=409 if gone is None else 200)
        self.did("erasures refused" if gone is None else "erasures")
        self.done["erased"] += gone or 0
        if gone is not None:
            assert (found["complete"], found["events"]) == (True, gone), f"{found}: {gone}"

    @precondition(lambda self: self.model.events)
    @rule(is_now=st.sampled_from([True, False, False, False, False, False]))
    def look(self, is_now: bool) -> None:
        if is_now:
            look(self.model, self.world)
