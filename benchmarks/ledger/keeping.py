"""What should be gone and what should be there, by the rules of one run; judged apart from the product."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from ledger.checks import Finding


class Seen(NamedTuple):
    """An event as it was before the purge, or is after it."""

    id: int
    plate: str
    captured_at: datetime
    camera: int | None
    zone: int | None
    frame: str
    crop: str

    @property
    def pictures(self) -> tuple[str, ...]:
        return tuple(name for name in (self.frame, self.crop) if name)


@dataclass(frozen=True)
class Hold:
    since: datetime
    until: datetime
    plate: str = ""
    camera: int | None = None

    def keeps(self, event: Seen) -> bool:
        is_meant = event.plate == self.plate if self.plate else event.camera == self.camera
        return is_meant and self.since <= event.captured_at < self.until


def held_by(holds: Sequence[Hold], events: Sequence[Seen]) -> frozenset[int]:
    """Return the ids of the events that a hold keeps."""
    of_plates = {hold.plate: hold for hold in holds if hold.plate}
    others = [hold for hold in holds if not hold.plate]
    held = set()
    for event in events:
        meant = [*others, *([of_plates[event.plate]] if event.plate in of_plates else [])]
        if any(hold.keeps(event) for hold in meant):
            held.add(event.id)
    return frozenset(held)


@dataclass(frozen=True)
class Rules:
    # Days of events and of pictures, by zone; None for all others.
    days: dict[int | None, tuple[int, int]]
    # The ids of the events that the holds keep.
    held: frozenset[int]
    erased: frozenset[str]
    # When the purge began and ended.
    began: datetime
    ended: datetime

    def is_held(self, event: Seen) -> bool:
        return event.id in self.held

    def _days(self, event: Seen) -> tuple[int, int]:
        events, pictures = self.days.get(event.zone, self.days[None])
        return events, min(events, pictures)

    def is_due(self, event: Seen, at: datetime) -> bool:
        age = timedelta(days=self._days(event)[0])
        return not self.is_held(event) and event.captured_at < at - age

    def is_picture_due(self, event: Seen, at: datetime) -> bool:
        # By the hour of arrival, whole hours.
        age = timedelta(days=self._days(event)[1], hours=2)
        return not self.is_held(event) and event.captured_at < at - age

    def must_stay(self, event: Seen) -> bool:
        return event.plate not in self.erased and not self.is_due(event, self.ended)

    def picture_must_stay(self, event: Seen) -> bool:
        later = self.ended + timedelta(hours=2)
        return self.must_stay(event) and not self.is_picture_due(event, later)


@dataclass(frozen=True)
class Found:
    rules: Rules
    before: tuple[Seen, ...]
    after: dict[int, Seen]
    # The hash of each picture, as stored before and as there is after.
    stored: dict[str, str]
    files: dict[str, str]
    # Of erased events: the receipts that still tell of the content.
    told: tuple[str, ...]
    acknowledged: tuple[int, ...]
    residues: tuple[str, ...]
    loose: tuple[str, ...]
    miscounted: tuple[str, ...]
    # p99 of ingest during the purge as a multiple of that before, and the longest wait for a lock.
    slower: float
    waited_s: float


def _overdue(found: Found) -> Iterator[str]:
    for event in found.before:
        if event.id in found.after and found.rules.is_due(event, found.rules.began):
            yield str(event)


def _overdue_pictures(found: Found) -> Iterator[str]:
    for event in found.before:
        if found.rules.is_picture_due(event, found.rules.began):
            yield from (name for name in event.pictures if name in found.files)


def _lost(found: Found, *, held: bool) -> Iterator[str]:
    for event in found.before:
        is_meant = found.rules.is_held(event) is held and found.rules.must_stay(event)
        if is_meant and event.id not in found.after:
            yield str(event)
    if not held:
        yield from (f"acknowledged {pk}" for pk in found.acknowledged if pk not in found.after)


def _lost_pictures(found: Found, *, held: bool) -> Iterator[str]:
    for event in found.before:
        if found.rules.is_held(event) is held and found.rules.picture_must_stay(event):
            for name in event.pictures:
                if found.files.get(name) != found.stored[name]:
                    yield name


def _not_erased(found: Found) -> Iterator[str]:
    yield from (str(one) for one in found.after.values() if one.plate in found.rules.erased)
    yield from found.told


def judge(found: Found, *, slower: float, waits_s: float) -> list[Finding]:
    named = {name for event in found.after.values() for name in event.pictures}
    slow = [f"{found.slower:.1f} times"] if found.slower > slower else []
    waited = [f"{found.waited_s:.1f} s"] if found.waited_s > waits_s else []
    return [
        Finding("overdue event", list(_overdue(found))),
        Finding("overdue picture", list(_overdue_pictures(found))),
        Finding("held event lost", list(_lost(found, held=True))),
        Finding("held picture lost or changed", list(_lost_pictures(found, held=True))),
        Finding("event lost before its time", list(_lost(found, held=False))),
        Finding("picture lost before its time", list(_lost_pictures(found, held=False))),
        Finding("erased event still there", list(_not_erased(found))),
        Finding("vanished plate still there", list(found.residues)),
        Finding("file without a row", sorted(found.files.keys() - named)),
        Finding("row without its file", sorted(named - found.files.keys())),
        Finding("what belongs to a gone event", list(found.loose)),
        Finding("count that a recount denies", list(found.miscounted)),
        Finding("ingest slowed down by the purge", slow),
        Finding("lock waited for too long", waited),
    ]


def damaged(found: Found) -> dict[str, Found]:
    """Return, for each check, the same with one thing amiss that it must see."""
    rules, after, files = found.rules, found.after, found.files
    due = next(e for e in found.before if rules.is_due(e, rules.began) and e.id not in after)
    bare = due._replace(frame="", crop="")
    aged = next(
        e for e in found.before if e.pictures and rules.is_picture_due(e, rules.began)
    ).pictures[0]
    held = next(e for e in found.before if rules.is_held(e) and not e.pictures)
    plain = [e for e in found.before if not rules.is_held(e) and rules.must_stay(e)]
    kept = next(e for e in plain if not e.pictures)
    held_picture = next(e for e in found.before if rules.is_held(e) and e.pictures).pictures[0]
    picture = next(e for e in plain if e.pictures and rules.picture_must_stay(e)).pictures[0]

    def without(event: Seen) -> dict[int, Seen]:
        return {pk: one for pk, one in after.items() if pk != event.id}

    erased = next(iter(rules.erased))
    named = next(pk for pk, one in after.items() if not one.pictures)
    return {
        "overdue event": replace(found, after=after | {bare.id: bare}),
        "overdue picture": replace(found, files=files | {aged: "?"}, after=after | _naming(aged)),
        "held event lost": replace(found, after=without(held)),
        "held picture lost or changed": replace(found, files=files | {held_picture: "?"}),
        "event lost before its time": replace(found, after=without(kept)),
        "picture lost before its time": replace(found, files=files | {picture: "?"}),
        "erased event still there": replace(
            found, after=after | {-1: kept._replace(id=-1, plate=erased)}
        ),
        "file without a row": replace(found, files=files | {"left.png": "?"}),
        "row without its file": replace(
            found, after=after | {named: after[named]._replace(frame="gone.png")}
        ),
        "what belongs to a gone event": replace(found, loose=("receipt 1",)),
        "count that a recount denies": replace(found, miscounted=("day by all",)),
        "ingest slowed down by the purge": replace(found, slower=1e6),
        "lock waited for too long": replace(found, waited_s=1e6),
    }


def _naming(picture: str) -> dict[int, Seen]:
    """Return a row that nobody asks about and that names the picture."""
    return {-2: Seen(-2, "", datetime.max.replace(tzinfo=UTC), None, None, picture, "")}
