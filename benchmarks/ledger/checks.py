"""Compares the ledger with the evidence; each check finds one kind of broken promise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ledger.arrivals import judge
from ledger.edge import STORED
from ledger.evidence import Evidence, Row

SINKS = ("webhook", "mqtt", "kafka")


@dataclass
class Finding:
    check: str
    problems: list[str]


Check = Callable[[Evidence], Iterator[str]]


def lost(found: Evidence) -> Iterator[str]:
    stored = {row.key for row in found.rows} & found.listed
    for entry in found.entries:
        if entry.outcome == "ok" and entry.key not in stored:
            yield f"{entry.event_id}, acknowledged as {entry.id}"


def other_id(found: Evidence) -> Iterator[str]:
    ids: dict[tuple[int, str], set[int]] = {}
    for row in found.rows:
        ids.setdefault(row.key, set()).add(row.id)
    for entry in found.entries:
        stored = ids.get(entry.key)
        if entry.outcome == "ok" and stored and entry.id not in stored:
            yield f"{entry.event_id}: acknowledged as {entry.id}, stored as {stored}"
        if entry.again and (entry.again[0] not in STORED or entry.again[1] != entry.id):
            yield f"{entry.event_id}: acknowledged as {entry.id}, then {entry.again}"


def doubled(found: Evidence) -> Iterator[str]:
    counts = Counter(row.key for row in found.rows)
    yield from (f"{key}: {count} rows" for key, count in counts.items() if count > 1)


def invented(found: Evidence) -> Iterator[str]:
    sent = {entry.key for entry in found.entries}
    yield from (f"{row.key}" for row in found.rows if row.key not in sent)


def conflict_taken(found: Evidence) -> Iterator[str]:
    for entry in found.entries:
        if entry.conflict not in {None, 422}:
            yield f"{entry.event_id}: other content was answered {entry.conflict}"


def refused(found: Evidence) -> Iterator[str]:
    for entry in found.entries:
        if entry.outcome == "refused":
            yield f"{entry.event_id}: {entry.status} for a valid event"


def picture_differs(found: Evidence) -> Iterator[str]:
    sent = {entry.key: entry for entry in found.entries}
    for row in found.rows:
        entry = sent.get(row.key)
        if entry is None:
            continue
        for name, says, was in (
            (row.frame, row.frame_sha256, entry.frame),
            (row.crop, row.crop_sha256, entry.crop),
        ):
            # A file that is not there is for the check after this one.
            if says != was or found.files.get(name, was) != was:
                yield f"{row.event_id}: {name or 'no picture'}"
    yield from found.shown_wrong


def row_without_file(found: Evidence) -> Iterator[str]:
    for row in found.rows:
        yield from (
            f"{row.event_id}: {name}"
            for name in (row.frame, row.crop)
            if name and name not in found.files
        )


def orphan(found: Evidence) -> Iterator[str]:
    known = {name for row in found.rows for name in (row.frame, row.crop)}
    yield from sorted(found.files.keys() - known)


def apart(found: Evidence) -> Iterator[str]:
    events = {row.id: row.key for row in found.rows}
    for pk in events.keys() | found.receipts.keys():
        if events.get(pk) != found.receipts.get(pk):
            yield f"{pk}: event {events.get(pk)}, receipt {found.receipts.get(pk)}"


def undispatched(found: Evidence) -> Iterator[str]:
    yield from (row.event_id for row in found.rows if row.position is None)


def _expected(rows: list[Row]) -> dict[int | None, set[int]]:
    """The positions that each camera's events have; under None those of all."""
    positions: dict[int | None, set[int]] = {None: set()}
    for row in rows:
        if row.position is not None:
            positions[None].add(row.position)
            positions.setdefault(row.camera, set()).add(row.position)
    return positions


def stream_hole(found: Evidence) -> Iterator[str]:
    expected = _expected(found.rows)
    for number, story in enumerate(found.stories):
        missing = expected.get(story.camera, set()) - set(story.positions)
        yield from (f"client {number}: position {position}" for position in sorted(missing))


def stream_inversion(found: Evidence) -> Iterator[str]:
    for number, story in enumerate(found.stories):
        pairs = zip(story.positions, story.positions[1:], strict=False)
        yield from (f"client {number}: {b} after {a}" for a, b in pairs if b <= a)


def stream_foreign(found: Evidence) -> Iterator[str]:
    """An event that nobody sent, or of another camera than asked for."""
    sent = {entry.event_id for entry in found.entries}
    cameras = {row.event_id: row.camera for row in found.rows}
    for number, story in enumerate(found.stories):
        for event_id in story.event_ids:
            camera = cameras.get(event_id)
            if event_id not in sent or (story.camera and camera and camera != story.camera):
                yield f"client {number}: {event_id}"


def missing_at(sink: str) -> Check:
    def check(found: Evidence) -> Iterator[str]:
        sent = {entry.key for entry in found.entries}
        expected = [row.event_id for row in found.rows if row.key in sent]
        yield from judge(expected, found.arrivals[sink], []).missing

    return check


def sink_foreign(found: Evidence) -> Iterator[str]:
    sent = [entry.event_id for entry in found.entries]
    for sink in SINKS:
        unknown = judge(sent, found.arrivals[sink], []).unknown
        yield from (f"{sink}: {event_id}" for event_id in unknown)


def other_message_id(found: Evidence) -> Iterator[str]:
    for sink in SINKS:
        known: dict[str, str] = {}
        for arrival in found.arrivals[sink]:
            if known.setdefault(arrival.event_id, arrival.message_id) != arrival.message_id:
                yield f"{sink}: {arrival.event_id} came as {arrival.message_id} too"


def unexplained_repeat(found: Evidence) -> Iterator[str]:
    for sink in SINKS:
        again = judge([], found.arrivals[sink], found.interruptions).again
        for _ in range(again.get("unexplained", 0)):
            yield f"{sink}: an event came again, and nothing had happened"


def unsettled(found: Evidence) -> Iterator[str]:
    if found.pending:
        yield f"{found.pending} deliveries still pending"
    if found.dead:
        yield f"{found.dead} deliveries given up"


CHECKS: dict[str, Check] = {
    "acknowledged but missing": lost,
    "acknowledged under another id": other_id,
    "stored twice": doubled,
    "stored but never sent": invented,
    "same id, other content accepted": conflict_taken,
    "valid event refused or failed": refused,
    "picture differs from what was sent": picture_differs,
    "row without its file": row_without_file,
    "file without row after the sweep": orphan,
    "event and receipt apart": apart,
    "never made visible": undispatched,
    "hole in a stream": stream_hole,
    "inversion or repeat in a stream": stream_inversion,
    "foreign event in a stream": stream_foreign,
    **{f"missing at {sink}": missing_at(sink) for sink in SINKS},
    "foreign event at a sink": sink_foreign,
    "repeat with another message id": other_message_id,
    "repeat that nothing explains": unexplained_repeat,
    "delivery not settled": unsettled,
}


def examine(found: Evidence) -> list[Finding]:
    return [Finding(name, list(check(found))) for name, check in CHECKS.items()]


def red(findings: list[Finding]) -> set[str]:
    return {finding.check for finding in findings if finding.problems}
