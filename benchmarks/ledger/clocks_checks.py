"""What must be true of events whose sensors had wrong clocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

ANSWERS = {201, 400}
DEFAULT = "events_plateevent_default"


class Told(NamedTuple):
    """An event as it was sent: what it means, between which moments it came, what was heard."""

    event_id: str
    kind: str
    written: object
    means: datetime | None
    between: tuple[datetime, datetime]
    status: int | None


class Kept(NamedTuple):
    event_id: str
    captured_at: datetime
    received_at: datetime
    # The table of its month, or the one for the rest.
    table: str


@dataclass(frozen=True)
class Times:
    told: list[Told]
    kept: list[Kept]
    tables: set[str]
    # Of the events that were looked for by plate and time: those that the search did not give.
    not_found: list[str]
    # For each range: what the statistics count, and what was counted from what was sent.
    counted: dict[str, tuple[int, int]]
    # For each sensor with a constant error: the error, and what the product says of it.
    offsets: dict[str, tuple[float, float | None]]

    def pairs(self) -> Iterator[tuple[Told, Kept]]:
        kept = {one.event_id: one for one in self.kept}
        yield from ((told, kept[told.event_id]) for told in self.told if told.event_id in kept)


def failed(times: Times) -> Iterator[str]:
    yield from (f"{one.written!r}: {one.status}" for one in times.told if one.status not in ANSWERS)


def refused(times: Times) -> Iterator[str]:
    for one in times.told:
        if one.means is not None and one.status == 400:
            yield f"{one.kind}: {one.written!r}"


def taken(times: Times) -> Iterator[str]:
    for one in times.told:
        if one.means is None and one.status == 201:
            yield f"{one.written!r}"


def not_one_row(times: Times) -> Iterator[str]:
    found = Counter(one.event_id for one in times.kept)
    for one in times.told:
        if found[one.event_id] != (one.status == 201):
            yield f"{one.written!r}: {one.status}, {found[one.event_id]} rows"


def other_time(times: Times) -> Iterator[str]:
    for told, kept in times.pairs():
        if told.means is not None and told.means != kept.captured_at:
            yield f"{told.written!r}: {kept.captured_at}"


def other_arrival(times: Times) -> Iterator[str]:
    for told, kept in times.pairs():
        first, last = told.between
        if not first <= kept.received_at <= last:
            yield f"{told.written!r}: {kept.received_at}"


def other_month(times: Times) -> Iterator[str]:
    for told, kept in times.pairs():
        own = f"events_plateevent_{kept.captured_at:%Y_%m}"
        if kept.table != (own if own in times.tables else DEFAULT):
            yield f"{told.written!r}: {kept.table}"


def not_found(times: Times) -> Iterator[str]:
    yield from times.not_found


def miscounted(times: Times) -> Iterator[str]:
    for name, (says, recount) in times.counted.items():
        if says != recount:
            yield f"{name}: {says}, counted {recount}"


def unflagged(times: Times) -> Iterator[str]:
    for name, (error, says) in times.offsets.items():
        if says is None or abs(says + error) > 30:
            yield f"{name}: {error:+.0f} s, told as {says}"


CHECKS: dict[str, Callable[[Times], Iterator[str]]] = {
    "neither taken nor refused": failed,
    "real time refused": refused,
    "taken, though it is no time": taken,
    "taken and lost, or refused and kept": not_one_row,
    "kept with another time": other_time,
    "received_at is not when it came": other_arrival,
    "in another month's table": other_month,
    "not found by plate and time": not_found,
    "statistics differ from a recount": miscounted,
    "wrong clock not told of its sensor": unflagged,
}


def damaged(times: Times) -> dict[str, Times]:
    """One thing is broken for each check; nothing else may see it."""
    good = next(at for at, one in enumerate(times.told) if one.status == 201)
    bad = next(at for at, one in enumerate(times.told) if one.means is None)
    row = next(one for one in times.kept if one.table != DEFAULT)
    told = next(one for one in times.told if one.event_id == row.event_id)
    name, (error, _) = next(iter(times.offsets.items()))

    def heard(at: int, **now: object) -> Times:
        changed = times.told[at]._replace(**now)  # type: ignore[arg-type]
        return replace(times, told=[*times.told[:at], changed, *times.told[at + 1 :]])

    def kept(**now: object) -> Times:
        changed = row._replace(**now)  # type: ignore[arg-type]
        return replace(times, kept=[changed if one is row else one for one in times.kept])

    late = told.between[1] + timedelta(seconds=1)
    return {
        "neither taken nor refused": heard(bad, status=500),
        "real time refused": replace(
            times, told=[*times.told, times.told[good]._replace(event_id="x", status=400)]
        ),
        "taken, though it is no time": heard(good, means=None),
        "taken and lost, or refused and kept": replace(times, kept=[*times.kept, row]),
        "kept with another time": kept(captured_at=row.captured_at.replace(microsecond=7)),
        "received_at is not when it came": kept(received_at=late),
        "in another month's table": kept(table=DEFAULT),
        "not found by plate and time": replace(times, not_found=["x"]),
        "statistics differ from a recount": replace(times, counted={"all": (1, 2)}),
        "wrong clock not told of its sensor": replace(times, offsets={name: (error, None)}),
    }
