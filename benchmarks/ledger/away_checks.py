"""What must be true when some sinks of several were away for minutes and came back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from reading import percentile

from ledger.arrivals import AFTERMATH_S, Arrival, Interruption, judge, other_ids

# As for dead sinks: 10 % cannot be told apart on a machine that others use.
MOST_LATER, SLACK_MS = 2.0, 100.0


@dataclass(frozen=True)
class Away:
    # By camera, the events in the order in which they were acknowledged, and when.
    sent: list[dict[str, float]]
    came: dict[str, list[Arrival]]
    away: frozenset[str]
    ordered: frozenset[str]
    # From when until when; the events that came in meanwhile wait for the end of it.
    gone: Interruption
    drain_s: float
    # By sink, what the product gave up.
    dead: dict[str, int]

    @property
    def acked(self) -> dict[str, float]:
        return {pk: at for camera in self.sent for pk, at in camera.items()}

    def first(self, sink: str) -> dict[str, float]:
        """When each event came to the sink for the first time."""
        first: dict[str, float] = {}
        for one in self.came[sink]:
            first.setdefault(one.event_id, one.at)
        return first

    def p99_ms(self, sink: str, *, meanwhile: bool) -> float:
        """How late the sink got the events of before, or of the time in which others were away."""
        first, acked, gone = self.first(sink), self.acked, self.gone
        late = [
            1000 * (first[pk] - at)
            for pk, at in acked.items()
            if pk in first and (gone.at < at < gone.until if meanwhile else at < gone.at)
        ]
        return percentile(sorted(late), 0.99)

    def backlog(self, sink: str) -> list[float]:
        """How long after its return it got each of the events that came in before."""
        first, until = self.first(sink), self.gone.until
        waited = {pk for pk, at in self.acked.items() if at < until}
        return sorted(first[pk] - until for pk in waited & first.keys() if first[pk] > until)


def missing(seen: Away) -> Iterator[str]:
    for sink, came in seen.came.items():
        verdict = judge([*seen.acked], came, [seen.gone])
        yield from (f"{sink}: {pk}" for pk in (*verdict.missing, *verdict.unknown))


def later(seen: Away) -> Iterator[str]:
    for sink in sorted(seen.came.keys() - seen.away):
        before, meanwhile = (seen.p99_ms(sink, meanwhile=m) for m in (False, True))
        if meanwhile > MOST_LATER * before + SLACK_MS:
            yield f"{sink}: p99 {meanwhile:.0f} ms, {before:.0f} ms before"


def slowly_drained(seen: Away) -> Iterator[str]:
    for sink in sorted(seen.away):
        backlog = seen.backlog(sink)
        if not backlog:
            yield f"{sink}: nothing waited for it"
        elif backlog[-1] > seen.drain_s:
            yield f"{sink}: {len(backlog)} events in {backlog[-1]:.0f} s"


def unexplained(seen: Away) -> Iterator[str]:
    """A sink that was not away has no cause to get an event twice."""
    aftermath = replace(seen.gone, until=seen.gone.until + AFTERMATH_S)
    for sink, came in seen.came.items():
        gone = [aftermath] if sink in seen.away else []
        count = judge([], came, gone).again.get("unexplained", 0)
        yield from [f"{sink}: an event came again"] * count


def other_id(seen: Away) -> Iterator[str]:
    return other_ids(seen.came)


def inverted(seen: Away) -> Iterator[str]:
    """Also by a repeat of what is older than what came last of its camera."""
    place = {pk: (n, at) for n, camera in enumerate(seen.sent) for at, pk in enumerate(camera)}
    for sink in sorted(seen.ordered):
        last: dict[int, int] = {}
        for one in seen.came[sink]:
            camera, at = place.get(one.event_id, (-1, 0))
            if at < last.get(camera, 0):
                yield f"{sink}: {one.event_id}"
            last[camera] = at


def given_up(seen: Away) -> Iterator[str]:
    yield from (f"{sink}: {count} dead letters" for sink, count in seen.dead.items() if count)


CHECKS: dict[str, Callable[[Away], Iterator[str]]] = {
    "event missing at a sink, or foreign": missing,
    "others later because of those away": later,
    "backlog not drained in time": slowly_drained,
    "repeat that nothing explains": unexplained,
    "repeat with another message id": other_id,
    "inversion of a camera in ordered mode": inverted,
    "given up while the sink was away": given_up,
}


def _came(seen: Away, sink: str, change: Callable[[list[Arrival]], list[Arrival]]) -> Away:
    return replace(seen, came=seen.came | {sink: change(list(seen.came[sink]))})


def damaged(seen: Away) -> dict[str, Away]:
    """One thing is broken for each check; nothing else may see it."""
    well = min(seen.came.keys() - seen.away - seen.ordered)
    gone = min(seen.away - seen.ordered)
    ordered = min(seen.ordered & seen.away)
    slow_s, acked = MOST_LATER * seen.p99_ms(well, meanwhile=False) / 1000 + 1, seen.acked

    def late(came: list[Arrival]) -> list[Arrival]:
        return [
            replace(one, at=one.at + slow_s * (acked[one.event_id] > seen.gone.at)) for one in came
        ]

    def last_too_late(came: list[Arrival]) -> list[Arrival]:
        last = max(came, key=lambda one: (acked[one.event_id] < seen.gone.until, one.at))
        others = [one for one in came if one.event_id != last.event_id]
        return [*others, replace(last, at=seen.gone.until + seen.drain_s + 1)]

    def again(came: list[Arrival], **changed: str) -> list[Arrival]:
        """Once more long after the sink came back, or at once."""
        last = came[-1]
        return [*came, replace(last, at=last.at + 1, **changed)]  # type: ignore[arg-type]

    def exchanged(came: list[Arrival]) -> list[Arrival]:
        ids = [*seen.sent[0]]
        at = [n for n, one in enumerate(came) if one.event_id in ids[:2]]
        came[at[0]], came[at[-1]] = came[at[-1]], came[at[0]]
        return came

    cut = replace(seen.came[gone][-1], answered=False)
    return {
        "event missing at a sink, or foreign": _came(seen, gone, lambda came: came[:-1]),
        "others later because of those away": _came(seen, well, late),
        "backlog not drained in time": _came(seen, gone, last_too_late),
        "repeat that nothing explains": _came(seen, well, again),
        "repeat with another message id": _came(
            seen, gone, lambda came: again([*came[:-1], cut], message_id="another")
        ),
        "inversion of a camera in ordered mode": _came(seen, ordered, exchanged),
        "given up while the sink was away": replace(seen, dead={gone: 1}),
    }
