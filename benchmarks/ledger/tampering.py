"""What somebody may do to the audit log who owns the database; each is taken back."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audit.models import AuditEntry

# Takes the sealed entries, does its work, and says what it was.
Tampering = Callable[[Sequence["AuditEntry"], random.Random], str]


def other_values(entry: AuditEntry) -> dict[str, Any]:
    """Another value for each field that an entry has."""
    return {
        "at": entry.at + timedelta(microseconds=1),
        "actor_id": (entry.actor_id or 0) + 1,
        "actor": f"{entry.actor}x",
        "channel": "link",
        "address": "10.9.9.9",
        "action": "created",
        "subject": {"query": {"plate": ["OTHER"]}},
        "reason": f"{entry.reason}.",
        "found": (entry.found or 0) + 1,
        "previous_hash": "f" * 64,
        "hash": "f" * 64,
    }


def alter(entries: Sequence[AuditEntry], chance: random.Random) -> str:
    entry = chance.choice(entries)
    name, value = chance.choice(list(other_values(entry).items()))
    type(entry).objects.filter(pk=entry.pk).update(**{name: value})
    return f"{name} of entry {entry.sequence}"


def delete(entries: Sequence[AuditEntry], chance: random.Random) -> str:
    entry = chance.choice(entries)
    type(entry).objects.filter(pk=entry.pk).delete()
    return f"entry {entry.sequence}"


def exchange(entries: Sequence[AuditEntry], chance: random.Random) -> str:
    one, other = chance.sample(entries, 2)
    rows = type(one).objects
    for entry, sequence in ((one, -1), (other, one.sequence), (one, other.sequence)):
        rows.filter(pk=entry.pk).update(sequence=sequence)
    return f"entries {one.sequence} and {other.sequence}"


def cut_off(entries: Sequence[AuditEntry], chance: random.Random) -> str:
    last = chance.randrange(len(entries))
    type(entries[0]).objects.filter(sequence__gt=last).delete()
    return f"all after entry {last}"


def compute_anew(entries: Sequence[AuditEntry], chance: random.Random) -> str:
    """Alter one entry, and make the chain whole again behind it."""
    from audit.chain import link_hash

    at = chance.randrange(len(entries))
    changed = list(entries[at:])
    changed[0].reason += "."
    previous = changed[0].previous_hash
    for entry in changed:
        entry.previous_hash = previous
        entry.hash = previous = link_hash(entry)
    type(changed[0]).objects.bulk_update(changed, ["reason", "previous_hash", "hash"], 500)
    return f"all from entry {at + 1} on"


TAMPERINGS: dict[str, Tampering] = {
    "altered": alter,
    "deleted": delete,
    "exchanged": exchange,
    "cut off": cut_off,
    "computed anew": compute_anew,
}


def is_found(tampering: Tampering, heads: Path, chance: random.Random) -> tuple[str, bool]:
    """Tamper, let the product's own command verify, and take it back."""
    from django.core.management import CommandError, call_command
    from django.db import connection, transaction

    from audit.models import AuditEntry

    table = AuditEntry._meta.db_table
    with transaction.atomic():
        connection.cursor().execute(f"ALTER TABLE {table} DISABLE TRIGGER audit_entry_is_final")
        what = tampering(list(AuditEntry.objects.chained()), chance)
        try:
            silent = {"stdout": io.StringIO(), "stderr": io.StringIO()}
            call_command("verify_audit", heads=[heads], **silent)
            found = False
        except CommandError:
            found = True
        transaction.set_rollback(True)
    return what, found
