"""Who looked for a plate or at its events, by the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Q

from audit.models import AuditEntry
from events.models import PlateEvent
from events.plates import normalize

PAGE = 500


def looks_at_plate(plate: str) -> Iterator[dict[str, Any]]:
    """Yield each look, oldest first: when, what and why, and whether by a person or a program.

    Not by whom: the names of staff are their own personal data, and the log has them.
    """
    asked = Q(subject__query__has_key="plate") | Q(subject__query__has_key="similar")
    one = Q(subject__has_key="event")
    last = 0
    while True:
        entries = AuditEntry.objects.filter(asked | one, id__gt=last).order_by("id")[:PAGE]
        found = list(entries)
        if not found:
            return
        last = found[-1].pk
        theirs = _of_plate(plate, {entry.subject.get("event") for entry in found})
        for entry in found:
            if entry.subject.get("event") in theirs or _asks_for(plate, entry):
                yield _told(entry)


def _of_plate(plate: str, ids: set[Any]) -> set[int]:
    rows = PlateEvent.objects.filter(plate_normalized=plate, pk__in=ids - {None})
    return set(rows.order_by().values_list("pk", flat=True))


def _asks_for(plate: str, entry: AuditEntry) -> bool:
    query = entry.subject.get("query") or {}
    asked = [*query.get("plate", ()), *query.get("similar", ())]
    return any(normalize(text) == plate and not {"*", "?"} & set(text) for text in asked)


def _told(entry: AuditEntry) -> dict[str, str | int | datetime | None]:
    return {
        "at": entry.at,
        "what": entry.get_action_display(),
        "event": entry.subject.get("event"),
        "why": entry.reason,
        "by": entry.get_channel_display(),
    }
