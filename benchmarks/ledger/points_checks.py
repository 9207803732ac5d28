"""What must be true after the API has died at a named step, and everything was sent again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace

from ledger.evidence import Row

STORED = {200, 201}


@dataclass
class Sent:
    """An event: what its sensor heard each time, and what was there before it was sent again."""

    event_id: str
    # SHA-256 of frame and crop.
    hashes: tuple[str, str]
    heard: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)
    is_there: bool = False
    # Of its row's files before the sensor came again: those that were not there, or not right.
    wrong_files: list[str] = field(default_factory=list)

    def note(self, when: str, status: int | None, body: bytes) -> None:
        pk = json.loads(body)["id"] if status in STORED else None
        self.heard[when] = status, pk

    def see(self, row: Row | None, files: Mapping[str, str]) -> None:
        """Note what the kill left: a row, and its files."""
        self.is_there = row is not None
        names = (row.frame, row.crop) if row else ()
        pairs = zip(names, self.hashes, strict=False)
        self.wrong_files = [name or "none" for name, was in pairs if files.get(name) != was]


@dataclass
class Kill:
    """One death of the API's worker, with the events that were under way."""

    point: str
    sent: list[Sent]
    # Whether the trace shows that it died there.
    is_at_point: bool
    back_s: float = 0.0


@dataclass(frozen=True)
class Left:
    """What all kills left."""

    kills: list[Kill]
    rows: list[Row]
    # The event ids of all receipts.
    receipts: list[str]
    files: dict[str, str]

    def sent(self) -> Iterator[tuple[str, Sent]]:
        for kill in self.kills:
            yield from ((f"{kill.point}: {one.event_id}", one) for one in kill.sent)


def elsewhere(left: Left) -> Iterator[str]:
    yield from (kill.point for kill in left.kills if not kill.is_at_point)


def harmless(left: Left) -> Iterator[str]:
    for kill in left.kills:
        if all(one.heard["first"][0] is not None for one in kill.sent):
            yield kill.point


def lost(left: Left) -> Iterator[str]:
    for name, one in left.sent():
        if one.heard["first"][0] in STORED and not one.is_there:
            yield name


def row_without_files(left: Left) -> Iterator[str]:
    yield from (f"{name}: {one.wrong_files}" for name, one in left.sent() if one.wrong_files)


def retry_misled(left: Left) -> Iterator[str]:
    """Stored before: 200; else 201; and 200 ever after."""
    for name, one in left.sent():
        told = [one.heard[when][0] for when in ("retry", "again")]
        if told != [200 if one.is_there else 201, 200]:
            yield f"{name}: {told}"


def other_id(left: Left) -> Iterator[str]:
    ids = {row.event_id: row.id for row in left.rows}
    for name, one in left.sent():
        told = {pk for status, pk in one.heard.values() if status in STORED}
        if one.event_id in ids and told - {ids[one.event_id]}:
            yield f"{name}: {told}"


def not_one(what: Callable[[Left], list[str]]) -> Callable[[Left], Iterator[str]]:
    def check(left: Left) -> Iterator[str]:
        found = Counter(what(left))
        for name, one in left.sent():
            if found[one.event_id] != 1:
                yield f"{name}: {found[one.event_id]}"

    return check


def other_files(left: Left) -> Iterator[str]:
    known = {name for row in left.rows for name in (row.frame, row.crop)}
    yield from sorted(known ^ left.files.keys())


CHECKS: dict[str, Callable[[Left], Iterator[str]]] = {
    "killed elsewhere than meant": elsewhere,
    "killed, and yet all were answered": harmless,
    "acknowledged but missing": lost,
    "row without its files, as sent": row_without_files,
    "a retry heard what is not so": retry_misled,
    "told another id": other_id,
    "not one row": not_one(lambda left: [row.event_id for row in left.rows]),
    "not one receipt": not_one(lambda left: left.receipts),
    "other files than the rows' after a sweep": other_files,
}


def _but(left: Left, heard: dict[str, tuple[int | None, int | None]], **fields: object) -> Left:
    """The first event of the first kill heard something else, or was found otherwise."""
    kills = deepcopy(left.kills)
    one = kills[0].sent[0]
    one.heard |= heard
    kills[0].sent[0] = replace(one, **fields)  # type: ignore[arg-type]
    return replace(left, kills=kills)


def _all_answered(left: Left) -> Left:
    kills = deepcopy(left.kills)
    for one in kills[0].sent:
        one.heard["first"] = 503, None
    return replace(left, kills=kills)


def damaged(left: Left) -> dict[str, Left]:
    """One thing is broken for each check; nothing else may see it."""
    first, row = left.kills[0].sent[0], left.rows[-1]
    pk = first.heard["retry"][1]
    moved = replace(left.kills[0], is_at_point=False)
    return {
        "killed elsewhere than meant": replace(left, kills=[moved, *left.kills[1:]]),
        "killed, and yet all were answered": _all_answered(left),
        "acknowledged but missing": _but(
            left, {"first": (201, pk), "retry": (201, pk)}, is_there=False
        ),
        "row without its files, as sent": _but(left, {}, wrong_files=["x"]),
        "a retry heard what is not so": _but(left, {"again": (201, pk)}),
        "told another id": _but(left, {"again": (200, -1)}),
        "not one row": replace(left, rows=[*left.rows, row]),
        "not one receipt": replace(left, receipts=[*left.receipts, first.event_id]),
        "other files than the rows' after a sweep": replace(left, files=left.files | {"left": ""}),
    }
