"""The chain that makes tampering show: each entry's hash covers the one before.

hash(n) = SHA-256(hash(n-1) in hex, then the JSON of entry n with sorted keys). Whoever alters, removes
or reorders entries has to compute all later hashes anew, and then the head is another one than the
one that was logged elsewhere.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC
from itertools import chain, islice

import msgspec
from django.db import connection, transaction

from audit.models import AuditEntry

GENESIS = "0" * 64
BATCH = 500
COVERED = ("actor_id", "actor", "channel", "address", "action", "subject", "reason", "found")


def link_hash(entry: AuditEntry) -> str:
    """Return what the entry's hash must be, by its content and its `previous_hash`."""
    content = {name: getattr(entry, name) for name in COVERED}
    content |= {"sequence": entry.sequence, "at": entry.at.astimezone(UTC).isoformat()}
    canonical = msgspec.json.encode(content, order="deterministic")
    return hashlib.sha256(entry.previous_hash.encode() + canonical).hexdigest()


@dataclass(frozen=True)
class Head:
    """The last link: whoever notes it down can tell later whether the chain was cut."""

    sequence: int = 0
    hash: str = GENESIS

    @classmethod
    def current(cls) -> Head:
        last = AuditEntry.objects.chained().reverse().first()
        return cls() if last is None or last.sequence is None else cls(last.sequence, last.hash)

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"


def _store_links(rows: list[tuple[int, int, str, str]]) -> None:
    """Write id, sequence and both hashes of each entry.

    bulk_update would build three CASEs of hundreds of branches: half a second in which the worker
    does nothing else.
    """
    if not rows:
        return
    values = ", ".join(["(%s, %s, %s, %s)"] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH given(id, sequence, previous_hash, hash) AS (VALUES {values}) "  # noqa: S608 - placeholders only
            "UPDATE audit_auditentry SET sequence = given.sequence, "
            "previous_hash = given.previous_hash, hash = given.hash "
            "FROM given WHERE audit_auditentry.id = given.id",
            list(chain.from_iterable(rows)),
        )


def seal_entries() -> int:
    """Add committed entries to the chain, in the order of their ids; return how many."""
    with transaction.atomic():
        # The lock on the rows admits one worker at a time; the other finds nothing, or the rest.
        entries = list(AuditEntry.objects.unsealed().select_for_update()[:BATCH])
        entries = [entry for entry in entries if entry.sequence is None]
        head, rows = Head.current(), []
        for entry in entries:
            entry.sequence, entry.previous_hash = head.sequence + 1, head.hash
            head = Head(entry.sequence, link_hash(entry))
            rows.append((entry.pk, head.sequence, entry.previous_hash, head.hash))
        _store_links(rows)
    return len(entries)


@dataclass(frozen=True)
class Fault:
    sequence: int
    problem: str


def find_faults(known: Iterable[Head] = ()) -> Iterator[Fault]:
    """Yield what is wrong with the chain; `known` are heads that were noted down before."""
    noted: dict[int, set[str]] = defaultdict(set)
    for head in known:
        noted[head.sequence].add(head.hash)
    noted.pop(0, None)  # before the first entry there was none
    expected = Head()
    for entry in AuditEntry.objects.chained().iterator(BATCH):
        sequence = entry.sequence or 0
        if sequence != expected.sequence + 1:
            yield Fault(expected.sequence + 1, f"missing up to {sequence - 1}")
        elif entry.previous_hash != expected.hash:
            yield Fault(sequence, "does not follow on the one before")
        if entry.hash != link_hash(entry):
            yield Fault(sequence, "was altered")
        expected = Head(sequence, entry.hash)
        if noted.pop(sequence, {entry.hash}) != {entry.hash}:
            yield Fault(sequence, "is not the head that was noted down")
    for sequence in sorted(noted):
        yield Fault(sequence, "was the head once, and is gone: the end was cut off")


def first_faults(known: Iterable[Head], limit: int) -> list[Fault]:
    return list(islice(find_faults(known), limit))
