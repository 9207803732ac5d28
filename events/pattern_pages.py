"""Pages of a search by wildcard or by look-alikes, however often the pattern occurs.

Left alone, the planner walks one index or the other on a guess of how frequent the pattern is, and
where it guesses wrong it reads millions of rows for a page of fifty. So both ways are taken to an
end that is near: the newest events first, where a frequent pattern fills the page at once; then the
pattern's own stretch of the index of plates, which is short when the pattern is rare.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from events.conditions import PlateLike
from events.filters import EventFilter
from events.keyset import Page, PageRequest
from events.models import KnownPlate, PlateEvent
from events.plates import WILDCARDS
from events.search import unseen_plates

# So many of the newest events are looked at: a pattern of one in a hundred fills a page.
NEAR = 5_000
# So many matches are sorted; a pattern with more is so frequent that walking by time is short.
MOST_MATCHES = 20_000
# So many distinct plates are asked for one by one.
MOST_PLATES = 1_000
# The nearest days are asked first: the more frequent a pattern is, the fewer of them fill a page.
NEAREST = (timedelta(days=2), timedelta(days=31))
# From a shorter beginning the stretch of the index is long, and most of it is no match.
SHORTEST_BEGINNING = 2

Place = tuple[int, datetime]


def _run(inner: QuerySet[PlateEvent, Any], outer: str, *parameters: Any) -> list[Any]:
    try:
        sql, inner_parameters = inner.query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.execute(outer.format(inner=sql), [*inner_parameters, *parameters])
        rows: list[Any] = cursor.fetchall()
    return rows


def _direction(asked: PageRequest) -> str:
    return "ASC" if asked.cursor and asked.cursor.newer else "DESC"


def _among_the_nearest(
    asked: PageRequest, events: QuerySet[PlateEvent], pattern: PlateLike
) -> list[Place]:
    near = asked.ordered(events).values("id", "captured_at", "plate_normalized")[:NEAR]
    way = _direction(asked)
    found = _run(
        near,
        "SELECT id, captured_at FROM ({inner}) AS near WHERE plate_normalized LIKE %s "  # noqa: S608
        f"ORDER BY captured_at {way}, id {way} LIMIT %s",
        pattern.pattern.replace("*", "%").replace("?", "_"),
        asked.limit + 1,
    )
    return [(pk, captured_at) for pk, captured_at in found]


def _by_plate(asked: PageRequest, matching: QuerySet[PlateEvent]) -> list[Place] | None:
    """Return the nearest matches by the index of plates; None when there are too many to sort."""
    stretch = asked.ordered(matching).order_by("plate_normalized").values("id", "captured_at")
    way = _direction(asked)
    found = _run(
        stretch[: MOST_MATCHES + 1],
        "SELECT id, captured_at, count(*) OVER () FROM ({inner}) AS matching "  # noqa: S608
        f"ORDER BY captured_at {way}, id {way} LIMIT %s",
        asked.limit + 1,
    )
    if found and found[0][2] > MOST_MATCHES:
        return None
    return [(pk, captured_at) for pk, captured_at, _ in found]


def _page(asked: PageRequest, events: QuerySet[PlateEvent], places: list[Place]) -> Page:
    if not places:
        return asked.of([])
    times = [captured_at for _, captured_at in places]
    rows = events.filter(
        pk__among=[pk for pk, _ in places], captured_at__range=(min(times), max(times))
    )
    return asked.of(list(asked.ordered(rows)))


def _beginning(pattern: str) -> str:
    return re.split(f"[{WILDCARDS}]", pattern, maxsplit=1)[0]


def _rare_plates(pattern: PlateLike) -> set[str] | None:
    """Return the plates of a pattern without a fixed beginning; None when there are many."""
    known = KnownPlate.objects.filter(pattern.on("plate")).values_list("plate", flat=True)
    plates = set(known[: MOST_PLATES + 1])
    if len(plates) > MOST_PLATES:
        return None
    return plates | set(filter(pattern.fits, unseen_plates()))


def _nearest_first(
    asked: PageRequest, events: QuerySet[PlateEvent], matching: QuerySet[PlateEvent]
) -> list[Place] | None:
    """Return the nearest matches by the index of plates, from no longer a stretch than needed."""
    nearest = asked.ordered(events).values_list("captured_at", flat=True).first()
    if nearest is None:
        return []
    for days in NEAREST:
        end = nearest + days if _direction(asked) == "ASC" else nearest - days
        found = _by_plate(asked, matching.filter(captured_at__range=sorted((nearest, end))))
        if found is None or len(found) > asked.limit:
            return found
    return _by_plate(asked, matching)


def _find(
    asked: PageRequest, wanted: EventFilter, pattern: PlateLike, events: QuerySet[PlateEvent]
) -> list[Place] | None:
    """Return the places of the page's events, or None when the planner can be left alone."""
    others = EventFilter(tuple(c for c in wanted.conditions if c is not pattern)).apply(events)
    found = _among_the_nearest(asked, others, pattern)
    if len(found) > asked.limit:
        return found
    if len(_beginning(pattern.pattern)) >= SHORTEST_BEGINNING:
        return _nearest_first(asked, others, wanted.apply(events))
    plates = _rare_plates(pattern)
    if plates is None:
        return None
    return _nearest_first(asked, others, others.filter(plate_normalized__among=plates))


def read_page(
    asked: PageRequest,
    wanted: EventFilter,
    similar: Collection[str],
    events: QuerySet[PlateEvent],
) -> Page:
    """Return the page of the wanted events; `similar` are the plates that a look-alike search found."""
    patterns = [c for c in wanted.conditions if isinstance(c, PlateLike) and c.is_pattern]
    matching = wanted.apply(events)
    if wanted.similar:
        matching = matching.filter(plate_normalized__among=similar)
    if connection.vendor != "postgresql" or not (patterns or wanted.similar):
        return asked.read(matching)
    bare = PlateEvent.objects.all()
    if wanted.similar:
        places = _by_plate(asked, wanted.apply(bare).filter(plate_normalized__among=similar))
    else:
        places = _find(asked, wanted, patterns[0], bare)
    return asked.read(matching) if places is None else _page(asked, events, places)
