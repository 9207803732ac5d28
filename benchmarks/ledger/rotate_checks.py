"""What must be true of messages whose signing secret changed while they were sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ledger.arrivals import other_ids

TAKEN = 204


@dataclass(frozen=True)
class Came:
    """One message at a sink, judged by the library at that moment; secrets go by number."""

    at: float
    event_id: str
    message_id: str
    signed_by: frozenset[int]
    accepted: frozenset[int]
    status: int
    # What could be changed in it, and the sink would still have taken it.
    forged: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rotated:
    sent: set[str]
    came: dict[str, list[Came]]
    # By sink, from when on nothing may be signed with the secret of that number.
    withdrawn: dict[str, dict[int, float]]

    @property
    def all(self) -> Iterator[tuple[str, Came]]:
        for sink, came in self.came.items():
            yield from ((sink, one) for one in came)


def missing(seen: Rotated) -> Iterator[str]:
    for sink, came in seen.came.items():
        taken = {one.event_id for one in came if one.status == TAKEN}
        yield from (f"{sink}: {pk}" for pk in sorted(seen.sent - taken))


def refused(seen: Rotated) -> Iterator[str]:
    for sink, one in seen.all:
        if not one.signed_by & one.accepted:
            yield f"{sink}: signed by {set(one.signed_by)}, accepted {set(one.accepted)}"


def outlived(seen: Rotated) -> Iterator[str]:
    for sink, one in seen.all:
        for secret in one.signed_by:
            late = one.at - seen.withdrawn[sink].get(secret, one.at)
            if late > 0:
                yield f"{sink}: secret {secret} {late:.1f} s after"


def forged(seen: Rotated) -> Iterator[str]:
    yield from (f"{sink}: other {', '.join(one.forged)}" for sink, one in seen.all if one.forged)


def other_id(seen: Rotated) -> Iterator[str]:
    return other_ids(seen.came)


def doubled(seen: Rotated) -> Iterator[str]:
    """Nothing dies here and each answer goes out: what was taken must not come again."""
    for sink, came in seen.came.items():
        taken = Counter(one.event_id for one in came if one.status == TAKEN)
        yield from (f"{sink}: {pk} {count} times" for pk, count in taken.items() if count > 1)


CHECKS: dict[str, Callable[[Rotated], Iterator[str]]] = {
    "event missing at a sink": missing,
    "signed by no secret accepted then": refused,
    "signed by a secret taken away": outlived,
    "tampered message accepted": forged,
    "repeat with another message id": other_id,
    "taken twice": doubled,
}


def _with(seen: Rotated, old: Came, *new: Came) -> Rotated:
    """Put other messages in the place of one at the first sink."""
    sink, came = next(iter(seen.came.items()))
    at = came.index(old)
    return replace(seen, came=seen.came | {sink: [*came[:at], *new, *came[at + 1 :]]})


def damaged(seen: Rotated) -> dict[str, Rotated]:
    """One thing is broken for each check; nothing else may see it."""
    sink, came = next(iter(seen.came.items()))
    last = next(one for one in reversed(came) if one.status == TAKEN)
    first, gone_at = next(iter(seen.withdrawn[sink].items()))
    old = replace(last, at=max(last.at, gone_at + 1), signed_by=last.signed_by | {first})
    again = replace(last, message_id="another", status=500)
    return {
        "event missing at a sink": replace(seen, sent=seen.sent | {"never came"}),
        "signed by no secret accepted then": _with(
            seen, last, replace(last, signed_by=frozenset())
        ),
        "signed by a secret taken away": _with(seen, last, old),
        "tampered message accepted": _with(seen, last, replace(last, forged=("body",))),
        "repeat with another message id": _with(seen, last, again, last),
        "taken twice": _with(seen, last, last, last),
    }
