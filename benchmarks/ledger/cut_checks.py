"""What must be true after uploads were cut, and slow clients came, beside good sensors."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple

from reading import percentile

from ledger.evidence import Row

# The proxy waits ten seconds for a head.
HEAD_S = 15
MOST_LATER, SLACK_S = 2.0, 0.5
MOST_MB, MOST_DESCRIPTORS = 100, 60


class Good(NamedTuple):
    """A good event: what its sensor heard, and how long it took."""

    event_id: str
    status: int | None
    seconds: float


@dataclass
class Slow:
    """A client that sends a byte now and then."""

    where: str
    event_id: str
    stream: socket.socket
    # Seconds after the beginning at which the other side had closed it.
    closed_after: float | None = None

    def is_closed(self) -> bool:
        """Send a byte; tell whether the other side is gone."""
        self.stream.setblocking(False)
        try:
            self.stream.send(b"x")
            while self.stream.recv(4096):
                pass
        except BlockingIOError:
            return False
        except OSError:
            pass
        with suppress(OSError):
            self.stream.close()
        return True


@dataclass(frozen=True)
class Seen:
    """What the good ones heard: alone, and beside each trouble; and what is left of the others."""

    quiet: list[Good]
    troubled: list[list[Good]]
    # Event ids, with the status that was heard, if any.
    cuts: list[tuple[str, int | None]]
    slow: list[Slow]
    rows: list[Row]
    files: dict[str, str]
    # MB, while the slow ones were there; descriptors, afterwards.
    growth: tuple[float, int]

    @staticmethod
    def p99(turn: list[Good]) -> float:
        return percentile(sorted(one.seconds for one in turn), 0.99)

    @property
    def good(self) -> list[Good]:
        return [one for turn in (self.quiet, *self.troubled) for one in turn]


def stored(seen: Seen) -> Iterator[str]:
    bad = {event_id for event_id, _ in seen.cuts} | {one.event_id for one in seen.slow}
    yield from (row.event_id for row in seen.rows if row.event_id in bad)


def left(seen: Seen) -> Iterator[str]:
    """Nothing was swept: what is not whole is not written at all."""
    known = {name for row in seen.rows for name in (row.frame, row.crop) if name}
    yield from sorted(known ^ seen.files.keys())


def failed(seen: Seen) -> Iterator[str]:
    """The proxy's own word for a client that went away is 499."""
    fair = {None, 400, 408, 499, 502}
    yield from (f"{status}" for _, status in seen.cuts if status not in fair)


def turned_away(seen: Seen) -> Iterator[str]:
    yield from (f"{one.event_id}: {one.status}" for one in seen.good if one.status != 201)


def not_one_row(seen: Seen) -> Iterator[str]:
    rows = Counter(row.event_id for row in seen.rows)
    for one in seen.good:
        if one.status == 201 and rows[one.event_id] != 1:
            yield f"{one.event_id}: {rows[one.event_id]}"


def later(seen: Seen) -> Iterator[str]:
    alone = seen.p99(seen.quiet)
    for turn in seen.troubled:
        if seen.p99(turn) > MOST_LATER * alone + SLACK_S:
            yield f"p99 {seen.p99(turn):.2f} s, {alone:.2f} s without"


def open_heads(seen: Seen) -> Iterator[str]:
    for one in seen.slow:
        if one.where == "head" and (one.closed_after is None or one.closed_after > HEAD_S):
            yield f"{one.closed_after}"


def grown(seen: Seen) -> Iterator[str]:
    if seen.growth[0] > MOST_MB or seen.growth[1] > MOST_DESCRIPTORS:
        yield f"{seen.growth[0]:.0f} MB, {seen.growth[1]} descriptors"


CHECKS: dict[str, Callable[[Seen], Iterator[str]]] = {
    "half an upload was stored": stored,
    "file of an upload that was not whole": left,
    "a failure of the server was heard": failed,
    "a good event not taken at once": turned_away,
    "a good event lost or doubled": not_one_row,
    "good ones later because of the others": later,
    "slow head not closed in time": open_heads,
    "memory or descriptors grew": grown,
}


def damaged(seen: Seen) -> dict[str, Seen]:
    """One thing is broken for each check; nothing else may see it."""
    row, first = seen.rows[0], seen.troubled[0]
    one = first[0]
    head = next(one for one in seen.slow if one.where == "head")
    others = [other for other in seen.slow if other is not head]
    waiting = [*first, *(one._replace(seconds=one.seconds + 60) for one in first)]
    return {
        "half an upload was stored": replace(
            seen, rows=[*seen.rows, row._replace(event_id=seen.cuts[0][0])]
        ),
        "file of an upload that was not whole": replace(seen, files=seen.files | {"half": ""}),
        "a failure of the server was heard": replace(seen, cuts=[*seen.cuts, ("x", 500)]),
        "a good event not taken at once": replace(
            seen, troubled=[[one._replace(status=503), *first[1:]], *seen.troubled[1:]]
        ),
        "a good event lost or doubled": replace(
            seen, rows=[*seen.rows, row._replace(event_id=one.event_id)]
        ),
        "good ones later because of the others": replace(
            seen, troubled=[waiting, *seen.troubled[1:]]
        ),
        "slow head not closed in time": replace(
            seen, slow=[*others, replace(head, closed_after=None)]
        ),
        "memory or descriptors grew": replace(seen, growth=(MOST_MB + 1, 0)),
    }
