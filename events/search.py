"""Look-alike search: which known plates may be a misread of the wanted one, and why.

Readers drop and add characters more often than they swap them, and swap mostly those that look
alike; so look-alikes cost next to nothing, a dropped or added character less than another swap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from itertools import combinations, groupby
from operator import or_
from string import ascii_uppercase, digits

import msgspec
from django.db.models import Q, QuerySet
from django.db.models.functions import Length
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein, Opcode

from events import lookups  # noqa: F401 - registers `wildcard`
from events.models import EventReceipt, KnownPlate, PlateEvent
from events.plates import look_alike_key

LOOK_ALIKE, NEAR_SWAP, GAP, SWAP = 1, 5, 6, 10
# Taken for one another less often than the look-alikes, but more often than others.
NEAR_SWAPS = frozenset({("4", "A"), ("A", "4"), ("7", "T"), ("T", "7")})
ALPHABET = frozenset(look_alike_key(ascii_uppercase + digits))
# Halves shorter than three characters begin too many plates to be worth reading.
SHORTEST_HALVED = 6
MAX_CANDIDATES = 1000
MAX_UNSEEN = 1000
MAX_PLATES = 200
_NUMBERS = {1: "one character", 2: "two characters"}


class Match(msgspec.Struct, frozen=True):
    """How near a plate is to the wanted one: 1 is the same, and in words what differs."""

    score: float
    reason: str


EXACT = Match(1.0, "exact")


def _most_expensive(length: int) -> int:
    """Return what a misread may cost: one edit, two of which one is a gap, or any two."""
    if length < SHORTEST_HALVED:
        return SWAP
    return GAP + SWAP if length < 8 else 2 * SWAP


def _differences(wanted: str, read: str, opcode: Opcode) -> Iterator[tuple[int, str]]:
    """Yield the cost and the name of each difference in one stretch of the alignment."""
    before = wanted[opcode.src_start : opcode.src_end]
    after = read[opcode.dest_start : opcode.dest_end]
    if opcode.tag in ("delete", "insert"):
        count = len(before) + len(after)
        name = "missing" if before else "added"
        yield GAP * count, f"{_NUMBERS.get(count, f'{count} characters')} {name}"
        return
    for old, new in zip(before, after, strict=True):
        if opcode.tag == "replace":
            cost = NEAR_SWAP if (old, new) in NEAR_SWAPS else SWAP
            yield cost, f"swapped: {new} for {old}"
        elif old != new:
            yield LOOK_ALIKE, f"look-alike: {new} for {old}"


def _reason(names: Iterable[str]) -> str:
    """Join the names; what follows the same colon is said together."""
    parts = []
    for kind, group in groupby(names, key=lambda name: name.partition(": ")[0]):
        details = [name.partition(": ")[2] for name in group]
        parts.append(f"{kind}: {', '.join(details)}" if details[0] else kind)
    return "; ".join(parts)


def compare(wanted: str, read: str) -> tuple[int, Match]:
    """Return what the edits beyond look-alikes cost, and the match that `read` is."""
    if wanted == read:
        return 0, EXACT
    opcodes = Levenshtein.opcodes(look_alike_key(wanted), look_alike_key(read))
    found = [difference for code in opcodes for difference in _differences(wanted, read, code)]
    score = max(0.0, 1 - sum(cost for cost, _ in found) / (SWAP * len(wanted)))
    edits = sum(cost for cost, _ in found if cost > LOOK_ALIKE)
    return edits, Match(round(score, 3), _reason(sorted(name for _, name in found)))


def _neighbours(key: str) -> set[str]:
    """Return every key within one edit: a few hundred index hits find all of them."""
    letters = ALPHABET | set(key)
    keys = {key}
    for place in range(len(key) + 1):
        before, after = key[:place], key[place:]
        keys.update(before + letter + after for letter in letters)
        if after:
            keys.add(before + after[1:])
            keys.update(before + letter + after[1:] for letter in letters)
    return keys


def _sharing_a_half(key: str) -> Iterator[QuerySet[KnownPlate]]:
    """Yield the plates that begin or end like the key: further edits, and letters of any script."""
    middle, backwards = len(key) // 2, key[::-1]
    alike = KnownPlate.objects.annotate(length=Length("key")).filter(
        length__gte=len(key) - 2, length__lte=len(key) + 2
    )
    yield _with_rest(alike, "key", key[:middle], key[middle:])
    rest = len(key) - middle
    yield _with_rest(alike, "key_reversed", backwards[:rest], backwards[rest:])


def _with_rest(
    plates: QuerySet[KnownPlate], field: str, half: str, rest: str
) -> QuerySet[KnownPlate]:
    """Return the plates that begin with the half, and hold what two edits leave of the rest.

    Of a frequent half there are many thousands; so few of them need to be compared here.
    """
    kept = ("*".join(part) for part in combinations(rest, max(0, len(rest) - 2)))
    near = reduce(or_, (Q((f"{field}__wildcard", f"{half}*{part}*")) for part in sorted(set(kept))))
    return plates.filter(near, **{f"{field}__wildcard": f"{half}*"})


def unseen_plates() -> set[str]:
    """Return what the dispatcher has not yet made known."""
    waiting = PlateEvent.objects.of(list(EventReceipt.objects.waiting()[:MAX_UNSEEN]))
    return {event.plate_normalized for event in waiting}


def _candidates(plate: str, key: str) -> dict[str, str]:
    """Return plates that may be near, with their keys."""
    searches = [KnownPlate.objects.filter(key__among=sorted(_neighbours(key)))]
    if len(key) >= SHORTEST_HALVED:
        searches.extend(_sharing_a_half(key))
    found = {unseen: look_alike_key(unseen) for unseen in {plate, *unseen_plates()}}
    for search in searches:
        found.update(search.values_list("plate", "key")[:MAX_CANDIDATES])
    return found


def look_alikes(plate: str) -> dict[str, Match]:
    """Return the plates that a reader may have made of `plate` (normalised), the nearest first."""
    key, limit = look_alike_key(plate), _most_expensive(len(plate))
    matches = {}
    # A cheap look at all first: two edits at most, whatever they cost.
    near = process.extract(
        key, _candidates(plate, key), scorer=Levenshtein.distance, score_cutoff=2, limit=None
    )
    for _, _, candidate in near:
        edits, match = compare(plate, candidate)
        if edits <= limit:
            matches[candidate] = match
    nearest = sorted(matches.items(), key=lambda item: (-item[1].score, item[0]))
    return dict(nearest[:MAX_PLATES])
