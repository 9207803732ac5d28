"""What must be true after somebody has guessed passwords."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

# The fifth failed try is judged, and is the first that hears of the lock.
JUDGED, LOCKED = 401, 429
FREE = 4
# A name and an address.
Pair = tuple[str, str]


class Heard(NamedTuple):
    status: int
    retry_after: str | None = None


@dataclass(frozen=True)
class Guesses:
    # What each pair heard, one try after the other.
    pairs: dict[Pair, list[Heard]]
    # What tries for one name at one address heard that came at the same moment.
    at_once: list[list[Heard]]
    # The right password of a name that is locked, from where it is.
    right_while_locked: list[Heard]
    right_at_page: list[Heard]
    # The right password of that name from somewhere else, and of another one from there.
    name_elsewhere: Heard
    others_there: Heard
    # Rows that failed tries left.
    attempts: int

    @property
    def all(self) -> Iterator[Heard]:
        for tries in (*self.pairs.values(), *self.at_once):
            yield from tries
        yield from self.right_while_locked


def more_judged(seen: Guesses) -> Iterator[str]:
    for pair, tries in seen.pairs.items():
        if [one.status for one in tries] != [JUDGED] * FREE + [LOCKED] * (len(tries) - FREE):
            yield f"{pair}: {[one.status for one in tries]}"


def more_judged_at_once(seen: Guesses) -> Iterator[str]:
    for tries in seen.at_once:
        judged = sum(one.status == JUDGED for one in tries)
        if judged > FREE:
            yield f"{judged} of {len(tries)}"


def opened(seen: Guesses) -> Iterator[str]:
    yield from (str(one) for one in seen.right_while_locked if one.status != LOCKED)


def page_opened(seen: Guesses) -> Iterator[str]:
    yield from (str(one) for one in seen.right_at_page if one.status != LOCKED)


def name_locked_elsewhere(seen: Guesses) -> Iterator[str]:
    if seen.name_elsewhere.status != 201:
        yield str(seen.name_elsewhere)


def others_locked(seen: Guesses) -> Iterator[str]:
    if seen.others_there.status != 201:
        yield str(seen.others_there)


def not_told_when(seen: Guesses) -> Iterator[str]:
    for one in seen.all:
        if one.status == LOCKED and not 0 < int(one.retry_after or 0) <= 900:
            yield str(one)


def too_many_rows(seen: Guesses) -> Iterator[str]:
    """One for each name and address, however often it tried."""
    if seen.attempts > len(seen.pairs) + len(seen.at_once):
        yield f"{seen.attempts}"


CHECKS: dict[str, Callable[[Guesses], Iterator[str]]] = {
    "more than five judged": more_judged,
    "more than five judged, all at once": more_judged_at_once,
    "right password opened what is locked": opened,
    "right password opened it at the page": page_opened,
    "the name is locked elsewhere": name_locked_elsewhere,
    "other names are locked there": others_locked,
    "not told when to come again": not_told_when,
    "more rows kept than names and addresses": too_many_rows,
}


def damaged(seen: Guesses) -> dict[str, Guesses]:
    """One thing is broken for each check; nothing else may see it."""
    pair, tries = next(iter(seen.pairs.items()))
    judged = Heard(JUDGED)
    silent = [*tries[:-1], tries[-1]._replace(retry_after=None)]
    return {
        "more than five judged": replace(seen, pairs=seen.pairs | {pair: [judged] * len(tries)}),
        "more than five judged, all at once": replace(
            seen, at_once=[[judged] * 6, *seen.at_once[1:]]
        ),
        "right password opened what is locked": replace(seen, right_while_locked=[Heard(201)]),
        "right password opened it at the page": replace(seen, right_at_page=[Heard(302)]),
        "the name is locked elsewhere": replace(seen, name_elsewhere=Heard(LOCKED, "900")),
        "other names are locked there": replace(seen, others_there=Heard(LOCKED, "900")),
        "not told when to come again": replace(seen, pairs=seen.pairs | {pair: silent}),
        "more rows kept than names and addresses": replace(seen, attempts=seen.attempts + 10**6),
    }
