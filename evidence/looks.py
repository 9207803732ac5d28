"""Who looked at an event, by the audit log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from audit.models import Action, AuditEntry

FIELDS = (
    *("id", "at", "actor_id", "actor", "channel", "address", "action", "subject", "reason"),
    *("found", "sequence", "previous_hash", "hash"),
)


def _told(entry: AuditEntry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in FIELDS}


def looks_at(ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Return the entries that name each event, oldest first.

    A search names its query and not what it found, so it is not among them.
    """
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for entry in AuditEntry.objects.filter(subject__event__in=list(ids)).order_by("id"):
        found[entry.subject["event"]].append(_told(entry))
    return found


def packages_of(ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Return the entries of packages that held each event among others, oldest first."""
    wanted, found = set(ids), defaultdict(list)
    packages = AuditEntry.objects.filter(action=Action.EVIDENCE, subject__has_key="events")
    for entry in packages.order_by("id").iterator(500):
        for pk in wanted.intersection(entry.subject["events"]):
            found[pk].append(_told(entry))
    return found


def count_packages_with(ids: Collection[int]) -> int:
    """Return how many packages were taken that hold any of these events."""
    wanted = frozenset(ids)
    packages = AuditEntry.objects.filter(action=Action.EVIDENCE).order_by("id")
    subjects = packages.values_list("subject", flat=True).iterator(500)
    return sum(
        not wanted.isdisjoint(subject.get("events") or [subject.get("event")])
        for subject in subjects
    )
