"""Which events a package holds: named one by one, or found by the filters of the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rest_framework.exceptions import NotFound

from anpr_project.lib.errors import FieldError
from events.filters import MAX_ID, parse_filter, parse_whole
from events.models import EventReceipt, PlateEvent
from events.search.similar import look_alikes
from evidence.package import MOST_EVENTS

Chosen = list[tuple[int, datetime]]


def chosen(query: Mapping[str, Sequence[str]]) -> Chosen:
    """Return id and time of each event, oldest first; errors say what is wrong with the query."""
    wanted = parse_filter(query, ignore={"event"}, similar_allowed=True)
    ids = _ids(query.get("event", ()))
    events = wanted.apply(PlateEvent.objects.all())
    if wanted.similar:
        events = events.filter(plate_normalized__in=look_alikes(wanted.similar))
    if ids:
        # By id alone every month would be searched.
        months = EventReceipt.objects.filter(pk__in=ids).values_list("captured_at", flat=True)
        events = events.filter(pk__in=ids, captured_at__in=list(months))
    rows = events.order_by("captured_at", "id").values_list("pk", "captured_at")
    found: Chosen = list(rows[: MOST_EVENTS + 1])
    if len(found) > MOST_EVENTS:
        raise FieldError(
            "", "too_many", f"A package holds at most {MOST_EVENTS} events: narrow the search."
        )
    if missing := ids - {pk for pk, _ in found}:
        raise NotFound(f"There is no such event: {min(missing)}.")
    if not found:
        raise NotFound("No event matches: there is nothing to put into a package.")
    return found


def _ids(values: Sequence[str]) -> set[int]:
    if len(values) > MOST_EVENTS:
        raise FieldError("event", "too_many", f"Expected at most {MOST_EVENTS} values.")
    return {parse_whole("event", text, 1, MAX_ID) for text in values}


def subject_of(events: Chosen) -> dict[str, Any]:
    """Return how the audit log names what a package holds."""
    ids = [pk for pk, _ in events]
    return {"event": ids[0]} if len(ids) == 1 else {"events": ids}
