"""Rules of exporters: made, changed, switched, removed; what their sinks say; sent again."""

# ruff: noqa: S101 - a rule asserts what must be answered
from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from ledger.machine.base import NUMBER, Base, pick
from ledger.machine.judge import judge, take_positions
from ledger.machine.known import RETRIES, Answer, Delivery, Retry, Wanted
from ledger.machine.sinks import Exporter
from ledger.machine.world import START

MOST = 3
SWITCHES = ["enable", "enable", "disable", "remove"]
CUT = Answer(None)
ANSWERS = [
    *(Answer(), Answer(), Answer(500), Answer(500), CUT, Answer(400), Answer(302)),
    *(Answer(410), Answer(429), Answer(429, 600), Answer(503, 7200), Answer(503, 20)),
]
WANTED = st.builds(
    lambda camera, plates, least: (camera, plates, least),
    st.sampled_from([None, None, 0, 1]),
    st.sampled_from([(), (), ("AA*",), ("AB12CDE", "WG*")]),
    st.sampled_from([None, None, 0.6]),
)
Choice = tuple[int | None, tuple[str, ...], float | None]
has_exporter = precondition(lambda self: self.model.exporters and self.model.events)
has_deliveries = precondition(lambda self: any(each.deliveries for each in self.model.exporters))
has_pending = precondition(lambda self: any(each.pending() for each in self.model.exporters))


class Exporting(Base):
    def _wanted(self, choice: Choice) -> Wanted:
        camera, plates, least = choice
        return Wanted(() if camera is None else (self.model.sensors[camera].camera,), plates, least)

    def _plan(self, exporter: Exporter) -> None:
        self.world.answers[exporter.name] = [*exporter.once, exporter.answer]

    @initialize(retry=st.sampled_from(RETRIES), ordered=st.booleans())
    def make_first(self, retry: Retry, ordered: bool) -> None:
        self._make(Wanted(), retry, ordered)

    @rule(choice=WANTED, retry=st.sampled_from(RETRIES), ordered=st.booleans())
    @precondition(lambda self: len(self.model.exporters) < MOST)
    def make(self, choice: Choice, retry: Retry, ordered: bool) -> None:
        self._make(self._wanted(choice), retry, ordered)

    def _make(self, wanted: Wanted, retry: Retry, ordered: bool) -> None:
        self.made += 1
        name = f"sink-{self.made}"
        made = self.world.make(
            "exporters",
            name=name,
            exporter_type="webhook",
            config={"url": f"{self.world.sink.url}/{name}"},
            retry=retry.body,
            filters=wanted.body,
            ordered=ordered,
        )
        exporter = Exporter(made["id"], name, wanted, retry, ordered)
        self.model.exporters.append(exporter)
        self._plan(exporter)

    @has_exporter
    @rule(number=NUMBER, choice=WANTED, what=st.sampled_from(["filter", "filter", *SWITCHES]))
    def change(self, number: int, choice: Choice, what: str) -> None:
        exporter = pick(self.model.exporters, number)
        path = f"exporters/{exporter.id}"
        match what:
            case "filter":
                exporter.wanted = self._wanted(choice)
                self.ask("PATCH", path, {"filters": exporter.wanted.body}, must=200)
            case "remove":
                self.ask("DELETE", path, must=204)
                self.model.exporters.remove(exporter)
            case _:
                self.ask("POST", f"{path}/{what}", must=200)
                exporter.enabled = what == "enable"
                if exporter.enabled:
                    exporter.renew()

    @has_exporter
    @rule(number=NUMBER, answer=st.sampled_from(ANSWERS), once=st.booleans())
    def answer(self, number: int, answer: Answer, once: bool) -> None:
        exporter = pick(self.model.exporters, number)
        if once:
            exporter.once.append(answer)
        else:
            exporter.answer = answer
        self._plan(exporter)

    @precondition(
        lambda self: any(
            each.retry.timeout_s < 10 and each.pending() for each in self.model.exporters
        )
    )
    @rule(is_now=st.sampled_from([True, False, False, False, False]))
    def stall(self, is_now: bool) -> None:
        """A sink that does not answer in time, once: each costs seconds."""
        if is_now:
            exporter = next(
                each
                for each in self.model.exporters
                if each.retry.timeout_s < 10 and each.pending()
            )
            exporter.once.insert(0, Answer(None, stalls=True))
            self._plan(exporter)

    @rule(then=st.sampled_from(["", "deliver", "deliver", "retry"]))
    @precondition(lambda self: self.model.waiting())
    def dispatch(self, then: str) -> None:
        self.world.dispatch()
        take_positions(self.model, self.model.dispatch(self.world.now))
        if then:
            self._deliver()
        if then == "retry":
            self._retry()

    @rule(times=st.sampled_from([0, 1, 1, 3, 8]))
    @has_pending
    def work(self, times: int) -> None:
        """Deliver what is due, and so many retries, each in its time."""
        self._deliver()
        for _ in range(times):
            self._retry()

    def _deliver(self) -> None:
        for exporter in self.model.exporters:
            exporter.deliver(self.world.now)
            self.done["attempts"] += len(exporter.asked)
        self.world.deliver()
        judge(self.model, self.world)

    def _retry(self) -> None:
        """Wait until the next one is due, or a pause ends; deliver."""
        moments = [
            max(one.due_at, exporter.paused_until or START)
            for exporter in self.model.exporters
            for one in exporter.pending()
            if exporter.enabled
        ]
        if moments:
            wait = (min(moments) - self.world.now).total_seconds()
            self.world.move(max(wait, 0) + 0.001)
            self._deliver()

    def _range(
        self, number: int, hours: int, state: str | None
    ) -> tuple[Exporter, Any, list[Delivery]]:
        exporter = pick(self.model.exporters, number)
        since, until = self.world.now - timedelta(hours=hours), self.world.now
        states = {"delivered", "dead"} if state is None else {state}
        chosen = [
            one
            for one in exporter.deliveries
            if since <= one.event.received_at < until and one.state in states
        ]
        body = {"from": since.isoformat()} | ({"state": state} if state else {})
        return exporter, body, chosen

    @has_deliveries
    @rule(
        number=NUMBER,
        hours=st.sampled_from([1, 24, 2000]),
        state=st.sampled_from([None, "dead", "delivered", "pending"]),
        missing=st.booleans(),
    )
    def redeliver_range(self, number: int, hours: int, state: str | None, missing: bool) -> None:
        exporter, body, chosen = self._range(number, hours, state)
        found = self.ask(
            "POST", f"exporters/{exporter.id}/redeliver", body | {"missing": missing}, must=202
        )
        queued = exporter.again(chosen, self.world.now)
        if missing:
            queued += exporter.add(self._missing(exporter, hours), self.world.now)
        self.did("sent again")
        assert found == {"queued": queued}, f"{found}, expected {queued}"

    def _missing(self, exporter: Exporter, hours: int) -> list[Any]:
        had = {one.event for one in exporter.deliveries}
        since = self.world.now - timedelta(hours=hours)
        found = [
            event
            for event in self.model.events.values()
            if event not in had
            and event.position is not None
            and since <= event.received_at < self.world.now
            and exporter.wanted.takes(event)
        ]
        return sorted(found, key=lambda event: event.id)

    @has_deliveries
    @rule(numbers=st.lists(NUMBER, min_size=1, max_size=3, unique=True))
    def redeliver_ids(self, numbers: list[int]) -> None:
        exporter = next(each for each in self.model.exporters if each.deliveries)
        _, page = self.world.call("GET", f"exporters/{exporter.id}/deliveries?limit=500")
        ids = {one["event"]: one["id"] for one in page["results"]}
        chosen = {pick(exporter.deliveries, number) for number in numbers}
        body = {"ids": [ids[one.event.id] for one in chosen]}
        found = self.ask("POST", f"exporters/{exporter.id}/redeliver", body, must=202)
        assert found == {"queued": exporter.again(chosen, self.world.now)}
        self.did("sent again")
