"""What poison must not do, and for each of it the control that has to turn red."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ledger.arrivals import Arrival
from ledger.checks import Finding, red


@dataclass(frozen=True)
class Outcome:
    """What the product says became of one event at one sink."""

    sink: str
    event_id: str
    state: str
    attempts: int


@dataclass(frozen=True)
class Poisoned:
    # When each good one was acknowledged.
    good: dict[str, float]
    # Strange in content, and valid: every sink must get them.
    odd: set[str]
    # By sink, what it can never take; `harmless` is all of it, which the other sinks take.
    poison: dict[str, set[str]]
    harmless: set[str]
    arrivals: dict[str, list[Arrival]]
    outcomes: list[Outcome]
    # What should have been refused at the door.
    accepted: list[str]
    most_attempts: int
    longest_stall_s: float

    def arrived(self, sink: str) -> set[str]:
        return {one.event_id for one in self.arrivals[sink]}

    def waits(self, sink: str) -> dict[str, float]:
        first: dict[str, float] = {}
        for one in self.arrivals[sink]:
            first.setdefault(one.event_id, one.at)
        return {pk: first[pk] - acked for pk, acked in self.good.items() if pk in first}

    def longest_wait(self, sink: str) -> float:
        return max(self.waits(sink).values(), default=0.0)


def missing(found: Poisoned) -> Iterator[str]:
    for sink in found.arrivals:
        left = found.good.keys() - found.arrived(sink)
        yield from (f"{sink}: {pk}" for pk in sorted(left))


def odd_missing(found: Poisoned) -> Iterator[str]:
    """The odd ones, and what is poison only elsewhere."""
    for sink in found.arrivals:
        left = (found.odd | found.harmless - found.poison[sink]) - found.arrived(sink)
        yield from (f"{sink}: {pk}" for pk in sorted(left))


def stalled(found: Poisoned) -> Iterator[str]:
    for sink in found.arrivals:
        for pk, wait in found.waits(sink).items():
            if wait > found.longest_stall_s:
                yield f"{sink}: {pk} after {wait:.1f} s"


def not_dead(found: Poisoned) -> Iterator[str]:
    dead = {(one.sink, one.event_id) for one in found.outcomes if one.state == "dead"}
    expected = {(sink, pk) for sink, ids in found.poison.items() for pk in ids}
    yield from (f"{sink}: {pk} is not dead" for sink, pk in sorted(expected - dead))
    yield from (f"{sink}: {pk} is dead" for sink, pk in sorted(dead - expected))


def too_many_attempts(found: Poisoned) -> Iterator[str]:
    for one in found.outcomes:
        if one.attempts > found.most_attempts:
            yield f"{one.sink}: {one.event_id}, {one.attempts} attempts"


def falsely_delivered(found: Poisoned) -> Iterator[str]:
    for sink in found.arrivals:
        said = {o.event_id for o in found.outcomes if o.sink == sink and o.state == "delivered"}
        yield from (f"{sink}: {pk}" for pk in sorted(said - found.arrived(sink)))


def accepted(found: Poisoned) -> Iterator[str]:
    yield from found.accepted


CHECKS = {
    "good event missing at a sink": missing,
    "odd event missing at a sink": odd_missing,
    "good event held up": stalled,
    "poison not dead, or other dead": not_dead,
    "more attempts than documented": too_many_attempts,
    "said delivered, but not there": falsely_delivered,
    "poison let in at the door": accepted,
}


def examine(found: Poisoned) -> list[Finding]:
    return [Finding(name, list(check(found))) for name, check in CHECKS.items()]


def _without(found: Poisoned, gone: str) -> Poisoned:
    """One sink loses a message; and the product knows it, so that only the loss is seen."""
    arrivals = {
        sink: [one for one in came if one.event_id != gone] if sink == "kafka" else came
        for sink, came in found.arrivals.items()
    }
    outcomes = [o for o in found.outcomes if (o.sink, o.event_id) != ("kafka", gone)]
    return replace(found, arrivals=arrivals, outcomes=outcomes)


def _changed(found: Poisoned, old: Outcome, new: Outcome) -> Poisoned:
    return replace(found, outcomes=[new if one == old else one for one in found.outcomes])


def controls(found: Poisoned) -> dict[str, str]:
    good = next(iter(found.good))
    dead = next(one for one in found.outcomes if one.state == "dead")
    some = found.outcomes[0]
    earlier = found.good | {good: found.good[good] - 1000}
    invented = Outcome("kafka", "never sent", "delivered", 1)
    damaged = {
        "good event missing at a sink": _without(found, good),
        "odd event missing at a sink": _without(found, min(found.odd)),
        "good event held up": replace(found, good=earlier),
        "poison not dead, or other dead": _changed(found, dead, replace(dead, state="pending")),
        "more attempts than documented": _changed(found, some, replace(some, attempts=99)),
        "said delivered, but not there": replace(found, outcomes=[*found.outcomes, invented]),
        "poison let in at the door": replace(found, accepted=["a topic"]),
    }
    before, said = red(examine(found)), {}
    for name, broken in damaged.items():
        turned = red(examine(broken)) - before
        said[name] = "red" if turned == {name} else f"WRONG: {', '.join(sorted(turned)) or 'green'}"
    return said
