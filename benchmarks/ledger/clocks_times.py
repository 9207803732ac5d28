"""Times as sensors with wrong clocks tell them, with the moment that each means, if any."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

# What a sensor writes, and what it means; None: it is no time that the contract admits.
Told = tuple[object, datetime | None]
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
OFFSETS = (-720, -210, -60, 0, 60, 120, 345, 525, 765, 840)
# Each names an hour that comes twice, or never, in some zone; with an offset it is one moment.
SUMMER_TIME = (
    *("2025-10-26T02:30:00+02:00", "2025-10-26T02:30:00+01:00", "2026-03-29T02:30:00+01:00"),
    *("2026-03-29T02:30:00+02:00", "2026-03-08T02:30:00-05:00", "2025-11-02T01:30:00-04:00"),
)
NO_TIMES: tuple[object, ...] = (
    *("2016-12-31T23:59:60Z", "2026-06-30T23:59:60+00:00", "1969-12-31T23:59:59.999999Z"),
    *("1970-01-01T00:30:00+01:00", "2200-01-01T00:00:00Z", "2199-12-31T23:30:00-01:00"),
    *("9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"),
    *("0000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "-62135596800"),
    *("2026-11-29T08:00:00", "2026-11-29", "08:00:00Z", "2026-02-29T08:00:00Z", "", "now", "0"),
    *("2026-11-29T24:00:00Z", "2026-11-29T08:00:00+25:00", "2026-13-01T00:00:00Z", "infinity"),
    *(0, -1, 1795939200, 1795939200.5, 2**63, -(2**63), True, None, [], {}, "NaN", "\u0662026"),
)


def _written(chance: random.Random, moment: datetime) -> Told:
    zone = timezone(timedelta(minutes=chance.choice(OFFSETS)))
    try:
        return moment.astimezone(zone).isoformat(), moment
    except OverflowError:
        return moment.isoformat(), moment


def _between(first: datetime, last: datetime) -> Callable[[random.Random, datetime], Told]:
    def make(chance: random.Random, now: datetime) -> Told:
        seconds = chance.randrange(int((last - first).total_seconds()))
        return _written(
            chance, first + timedelta(seconds=seconds, microseconds=chance.randrange(10**6))
        )

    return make


def _off_by(least_s: int, most_s: int) -> Callable[[random.Random, datetime], Told]:
    def make(chance: random.Random, now: datetime) -> Told:
        return _written(chance, now + timedelta(seconds=chance.randint(least_s, most_s)))

    return make


def _edges(chance: random.Random, now: datetime) -> Told:
    """The last moment of a month, or the first of the next."""
    start = datetime(chance.choice((2016, 2025, 2026, 2027)), chance.randint(1, 12), 1, tzinfo=UTC)
    return _written(chance, start - chance.choice((MICROSECOND, timedelta(0))))


def _ends(chance: random.Random, now: datetime) -> Told:
    """The first and the last moment that are admitted."""
    return _written(chance, chance.choice((EARLIEST, LATEST - MICROSECOND)))


def _summer_time(chance: random.Random, now: datetime) -> Told:
    text = chance.choice(SUMMER_TIME)
    return text, datetime.fromisoformat(text)


def _no_time(chance: random.Random, now: datetime) -> Told:
    return chance.choice(NO_TIMES), None


DAY = 86_400
KINDS: dict[str, Callable[[random.Random, datetime], Told]] = {
    "right": _off_by(-1, 0),
    "hours off": _off_by(-14 * 3600, 14 * 3600),
    "days ahead": _off_by(DAY, 500 * DAY),
    "years late": _off_by(-4000 * DAY, -DAY),
    "1970": _between(EARLIEST, datetime(1970, 2, 1, tzinfo=UTC)),
    "2106": _between(datetime(2106, 2, 1, tzinfo=UTC), datetime(2106, 3, 1, tzinfo=UTC)),
    "any year": _between(EARLIEST, LATEST),
    "edge of a month": _edges,
    "edge of what is admitted": _ends,
    "summer time": _summer_time,
    "no time": _no_time,
}
