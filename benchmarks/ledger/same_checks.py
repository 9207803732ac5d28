"""What must be true after many have sent one event id at the same moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from ledger.evidence import Row


class Answer(NamedTuple):
    """What a thread heard in the end, and how often it was told to come again before."""

    status: int | None
    id: int | None
    refused: int = 0


@dataclass(frozen=True)
class Round:
    """One event id: the contents sent under it, which of them each thread sent, what it heard."""

    event_id: str
    # SHA-256 of frame and crop.
    contents: list[tuple[str, str]]
    which: list[int]
    answers: list[Answer]

    @property
    def winner(self) -> int | None:
        """The content that was first, as the answers tell."""
        pairs = zip(self.which, self.answers, strict=True)
        return next((number for number, answer in pairs if answer.status == 201), None)

    def heard(self, *, winners: bool) -> list[Answer]:
        """The answers to those who sent what was first, or to all others."""
        pairs = zip(self.which, self.answers, strict=True)
        return [answer for number, answer in pairs if (number == self.winner) == winners]


@dataclass(frozen=True)
class Crowd:
    rounds: list[Round]
    rows: list[Row]
    # The event ids of all receipts.
    receipts: list[str]
    files: dict[str, str]
    # How many deliveries to the one exporter each event has.
    deliveries: Counter[str]

    def rows_of(self, event_id: str) -> list[Row]:
        return [row for row in self.rows if row.event_id == event_id]


def not_one_first(crowd: Crowd) -> Iterator[str]:
    for one in crowd.rounds:
        found = Counter(answer.status for answer in one.answers)
        if found[201] != 1:
            yield f"{one.event_id}: {dict(found)}"


def not_repeated(crowd: Crowd) -> Iterator[str]:
    for one in crowd.rounds:
        heard = Counter(answer.status for answer in one.heard(winners=True))
        if set(heard) - {200, 201}:
            yield f"{one.event_id}: {dict(heard)}"


def other_id(crowd: Crowd) -> Iterator[str]:
    for one in crowd.rounds:
        told = {answer.id for answer in one.answers if answer.status in {200, 201}}
        if rows := crowd.rows_of(one.event_id):
            yield from (f"{one.event_id}: {pk}" for pk in told - {row.id for row in rows})


def not_one_row(crowd: Crowd) -> Iterator[str]:
    rows = Counter(row.event_id for row in crowd.rows)
    yield from (
        f"{one.event_id}: {rows[one.event_id]}" for one in crowd.rounds if rows[one.event_id] != 1
    )


def not_one_receipt(crowd: Crowd) -> Iterator[str]:
    found = Counter(crowd.receipts)
    yield from (f"{event_id}: {count}" for event_id, count in found.items() if count != 1)
    yield from (one.event_id for one in crowd.rounds if not found[one.event_id])


def not_one_delivery(crowd: Crowd) -> Iterator[str]:
    for one in crowd.rounds:
        if crowd.deliveries[one.event_id] != 1:
            yield f"{one.event_id}: {crowd.deliveries[one.event_id]}"


def other_files(crowd: Crowd) -> Iterator[str]:
    """After the sweep: a request that heard 503, its fate unknown, may leave its files to that."""
    known = {name for row in crowd.rows for name in (row.frame, row.crop)}
    yield from sorted(known ^ crowd.files.keys())


def not_the_winners(crowd: Crowd) -> Iterator[str]:
    for one in crowd.rounds:
        for row in crowd.rows_of(one.event_id):
            kept = tuple(crowd.files.get(name, says) for name, says in _pictures(row))
            if one.winner is not None and kept != one.contents[one.winner]:
                yield one.event_id


def _pictures(row: Row) -> tuple[tuple[str, str], tuple[str, str]]:
    return (row.frame, row.frame_sha256), (row.crop, row.crop_sha256)


def conflict_taken(crowd: Crowd) -> Iterator[str]:
    for one in crowd.rounds:
        heard = Counter(answer.status for answer in one.heard(winners=False))
        if one.winner is not None and set(heard) - {422}:
            yield f"{one.event_id}: {dict(heard)}"


CHECKS: dict[str, Callable[[Crowd], Iterator[str]]] = {
    "not exactly one was first": not_one_first,
    "the rest did not hear 200": not_repeated,
    "told another id": other_id,
    "not one row": not_one_row,
    "not one receipt": not_one_receipt,
    "not one delivery to the exporter": not_one_delivery,
    "other files than the row's pair": other_files,
    "kept content is not the first one's": not_the_winners,
    "other content not refused with 422": conflict_taken,
}


def damaged(crowd: Crowd) -> dict[str, Crowd]:
    """One thing is broken for each check; nothing else may see it."""
    first, last = crowd.rounds[0], crowd.rounds[-1]
    row = next(row for row in crowd.rows if row.event_id == first.event_id)

    def answered(one: Round, was: int, **now: int) -> Crowd:
        """One answer of a status, told otherwise."""
        at = next(at for at, answer in enumerate(one.answers) if answer.status == was)
        answers = [*one.answers[:at], one.answers[at]._replace(**now), *one.answers[at + 1 :]]
        changed = replace(one, answers=answers)
        return replace(crowd, rounds=[changed if r is one else r for r in crowd.rounds])

    return {
        "not exactly one was first": answered(first, 200, status=201),
        "the rest did not hear 200": answered(first, 200, status=500),
        "told another id": answered(first, 200, id=-1),
        "not one row": replace(crowd, rows=[*crowd.rows, row]),
        "not one receipt": replace(crowd, receipts=crowd.receipts[1:]),
        "not one delivery to the exporter": replace(
            crowd, deliveries=crowd.deliveries + Counter([first.event_id])
        ),
        "other files than the row's pair": replace(crowd, files=crowd.files | {"left": ""}),
        "kept content is not the first one's": replace(
            crowd, files=crowd.files | {row.frame: crowd.files[row.crop]}
        ),
        "other content not refused with 422": answered(last, 422, status=200, id=row_id(crowd)),
    }


def row_id(crowd: Crowd) -> int:
    return crowd.rows_of(crowd.rounds[-1].event_id)[0].id
