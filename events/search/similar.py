"""Look-alike search: which known plates may be a misread of the wanted one, and why.

Readers drop and add characters more often than they swap them, and swap mostly those that look
alike; so look-alikes cost next to nothing, a dropped or added character less than another swap.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import combinations, groupby
from string import ascii_uppercase, digits

import msgspec
from django.db import connection
from rapidfuzz import process
from rapidfuzz.distance import Editops, Levenshtein, Opcode

from anpr_project.lib.statements import planned_once, read_objects
from events.lookups import beginning_with
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
UNSEEN = f"""
    SELECT event.plate_normalized AS plate FROM (
        SELECT id, captured_at FROM {EventReceipt._meta.db_table}
        WHERE position IS NULL ORDER BY id LIMIT {MAX_UNSEEN}
    ) waiting JOIN {PlateEvent._meta.db_table} event
    ON event.id = waiting.id AND event.captured_at = waiting.captured_at
"""  # noqa: S608 - our own names
# A condition on known plates, and its values.
Part = tuple[str, list[str]]
_keys = msgspec.json.Decoder(dict[str, str])
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


def _edit_cost(wanted: str, read: str, edits: Editops) -> int:
    """Return what the edits between the look-alike keys of two plates cost."""
    cost = 0
    for edit in edits:
        if edit.tag != "replace":
            cost += GAP
        else:
            swap = (wanted[edit.src_pos], read[edit.dest_pos])
            cost += NEAR_SWAP if swap in NEAR_SWAPS else SWAP
    return cost


def compare(wanted: str, read: str) -> Match:
    """Return the match that `read` is."""
    if wanted == read:
        return EXACT
    opcodes = Levenshtein.opcodes(look_alike_key(wanted), look_alike_key(read))
    found = [difference for code in opcodes for difference in _differences(wanted, read, code)]
    score = max(0.0, 1 - sum(cost for cost, _ in found) / (SWAP * len(wanted)))
    return Match(round(score, 3), _reason(sorted(name for _, name in found)))


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


def _within_one_edit(key: str) -> Part:
    keys = sorted(_neighbours(key))
    if connection.vendor == "postgresql":
        # One text, for an array of hundreds takes long to quote; a key has no comma.
        return "key = ANY(string_to_array(%s, ','))", [",".join(keys)]
    return "key IN (SELECT value FROM json_each(%s))", [json.dumps(keys)]


def _sharing_a_half(key: str) -> list[Part]:
    """Return what begins or ends like the key: further edits, and letters of any script."""
    middle, backwards = len(key) // 2, key[::-1]
    rest = len(key) - middle
    return [
        _with_rest("key", key[:middle], key[middle:]),
        _with_rest("key_reversed", backwards[:rest], backwards[rest:]),
    ]


def _with_rest(field: str, half: str, rest: str) -> Part:
    """Return what begins with the half, and holds what two edits leave of the rest.

    Of a frequent half there are many thousands; so few of them need to be compared here.
    """
    like, run = ("LIKE", "%") if connection.vendor == "postgresql" else ("GLOB", "*")
    kept = sorted({run.join(part) for part in combinations(rest, max(0, len(rest) - 2))})
    length = len(half) + len(rest)
    begins, values = beginning_with(field, half)
    return (
        f"{begins} AND length({field}) BETWEEN {length - 2} AND {length + 2} "
        f"AND ({' OR '.join([f'{field} {like} %s'] * len(kept))})",
        [*values, *(f"{half}{run}{part}{run}" for part in kept)],
    )


def _read(parts: list[Part]) -> tuple[dict[str, str], bool]:
    """Return the plates of these parts with their keys, and whether there are more than are read of one.

    With them what is not known yet, in one statement: it may be known a moment later.
    """
    table = KnownPlate._meta.db_table
    selects = [
        f"SELECT plate, key FROM {table} WHERE {where} LIMIT {MAX_CANDIDATES}"  # noqa: S608 - our own conditions
        for where, _ in parts
    ]
    selects.append(f"SELECT plate, '' AS key FROM ({UNSEEN}) AS unseen")  # noqa: S608 - ours
    values = [value for _, given in parts for value in given]
    *found, unseen = map(_keys.decode, read_objects("plate", "key", selects, values))
    keys = {plate: look_alike_key(plate) for plate in unseen}
    for known in found:
        keys |= known
    return keys, any(len(known) >= MAX_CANDIDATES for known in found)


def _candidates(key: str) -> dict[str, str]:
    """Return plates that may be near, known or not known yet, with their keys."""
    if len(key) < SHORTEST_HALVED:
        found, _ = _read([_within_one_edit(key)])
        return found
    # One edit leaves a half as it is. So all within one are among these, unless some were left out.
    found, is_cut = _read(_sharing_a_half(key))
    return found | _read([_within_one_edit(key)])[0] if is_cut else found


def unseen_plates() -> set[str]:
    """Return what the dispatcher has not yet made known."""
    with planned_once() as cursor:
        cursor.execute(UNSEEN)
        return {plate for (plate,) in cursor.fetchall()}


def look_alikes(plate: str) -> dict[str, Match]:
    """Return the plates that a reader may have made of `plate` (normalised), the nearest first."""
    key, limit = look_alike_key(plate), _most_expensive(len(plate))
    matches = {}
    # A cheap look at all first: two edits at most, whatever they cost.
    keys = _candidates(key) | {plate: key}
    near = process.extract(key, keys, scorer=Levenshtein.distance, score_cutoff=2, limit=None)
    for known, _, candidate in near:
        # Most of them cost too much: only of the others it is put into words how they differ.
        if _edit_cost(plate, candidate, Levenshtein.editops(key, known)) <= limit:
            matches[candidate] = compare(plate, candidate)
    nearest = sorted(matches.items(), key=lambda item: (-item[1].score, item[0]))
    return dict(nearest[:MAX_PLATES])
