"""Pages of a search by wildcard or by look-alikes, however often the pattern occurs.

Left alone, the planner walks one index or the other on a guess of how frequent the pattern is, and
where it guesses wrong it reads millions of rows for a page of fifty. So both ways are taken to an
end that is near: the newest events first, where a frequent pattern fills the page at once; then the
pattern's own stretch of the index of plates, which is short when the pattern is rare.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from anpr_project.lib.statements import condition_of, planned_once
from events.conditions import PlateLike
from events.event_rows import TABLE, by_time, read_places, read_rows
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


def _way(asked: PageRequest) -> str:
    return "ASC" if asked.is_backwards else "DESC"


def _among_the_nearest(
    asked: PageRequest, wanted: EventFilter, events: QuerySet[PlateEvent], pattern: PlateLike
) -> tuple[list[Place], datetime | None]:
    """Return the matches among the nearest events, and when the very nearest of those was."""
    condition, parameters = condition_of(asked.beyond_cursor(wanted.apply(events)))
    order = f"ORDER BY captured_at {_way(asked)}, id {_way(asked)} LIMIT"
    nearest = f"FROM {TABLE} WHERE {condition} {order}"
    like = pattern.pattern.replace("*", "%").replace("?", "_")
    with planned_once() if wanted.has_one_plan else connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, captured_at FROM (SELECT id, captured_at, plate_normalized {nearest} "  # noqa: S608
            f"{NEAR}) AS near WHERE plate_normalized LIKE %s {order} {asked.limit + 1}",
            [*parameters, like],
        )
        found = cursor.fetchall()
        if len(found) > asked.limit:
            return found, None
        cursor.execute(f"SELECT captured_at {nearest} 1", parameters)
        first = cursor.fetchone()
    return found, first and first[0]


@dataclass(frozen=True)
class ByPlate:
    """The matches by the index of plates, from as long a stretch of time as is asked for."""

    asked: PageRequest
    condition: str
    parameters: list[Any]

    @classmethod
    def of(cls, asked: PageRequest, matching: QuerySet[PlateEvent]) -> ByPlate:
        return cls(asked, *condition_of(asked.beyond_cursor(matching)))

    def within(self, until: datetime | None = None) -> list[Place] | None:
        """Return the nearest matches; None when there are too many to sort."""
        condition, parameters, way = self.condition, list(self.parameters), _way(self.asked)
        if until:
            condition += f" AND captured_at {'<=' if self.asked.is_backwards else '>='} %s"
            parameters.append(until)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, captured_at, count(*) OVER () FROM ("  # noqa: S608
                f"SELECT id, captured_at FROM {TABLE} WHERE {condition} "
                f"ORDER BY plate_normalized LIMIT {MOST_MATCHES + 1}) AS matching "
                f"ORDER BY captured_at {way}, id {way} LIMIT {self.asked.limit + 1}",
                parameters,
            )
            found = cursor.fetchall()
        if found and found[0][2] > MOST_MATCHES:
            return None
        return [(pk, captured_at) for pk, captured_at, _ in found]

    def nearest_first(self, nearest: datetime) -> list[Place] | None:
        """Return the nearest matches, from no longer a stretch than needed."""
        for days in NEAREST:
            found = self.within(nearest + days if self.asked.is_backwards else nearest - days)
            if found is None or len(found) > self.asked.limit:
                return found
        return self.within()


def _page(asked: PageRequest, places: list[Place]) -> Page:
    if not places:
        return asked.of([])
    given = "SELECT * FROM unnest(%s::bigint[], %s::timestamptz[]) AS given(id, captured_at)"
    columns = [list(column) for column in zip(*places, strict=True)]
    return asked.of(read_places(given, columns, oldest_first=asked.is_backwards))


def _page_of_plates(asked: PageRequest, wanted: EventFilter, plates: Collection[str]) -> Page:
    """Return the page of events of a few plates, each by its own stretch of their index."""
    condition, parameters = condition_of(
        asked.beyond_cursor(wanted.apply(PlateEvent.objects.all()))
    )
    limit = f"LIMIT {asked.limit + 1:d}"
    of_one = by_time(oldest_first=asked.is_backwards)
    of_all = by_time(oldest_first=asked.is_backwards, table="found")
    places = (
        "SELECT found.id, found.captured_at FROM unnest(%s::text[]) AS wanted(plate) "  # noqa: S608
        f"CROSS JOIN LATERAL (SELECT id, captured_at FROM {TABLE} WHERE {condition} "
        f"AND plate_normalized = wanted.plate {of_one} {limit}) AS found {of_all} {limit}"
    )
    rows = read_places(
        *(places, [list(plates), *parameters]),
        oldest_first=asked.is_backwards,
        has_one_plan=wanted.has_one_plan,
    )
    return asked.of(rows)


def _beginning(pattern: str) -> str:
    return re.split(f"[{WILDCARDS}]", pattern, maxsplit=1)[0]


def _rare_plates(pattern: PlateLike) -> set[str] | None:
    """Return the plates of a pattern without a fixed beginning; None when there are many."""
    known = KnownPlate.objects.filter(pattern.on("plate")).values_list("plate", flat=True)
    plates = set(known[: MOST_PLATES + 1])
    if len(plates) > MOST_PLATES:
        return None
    return plates | set(filter(pattern.fits, unseen_plates()))


def _find(
    asked: PageRequest, wanted: EventFilter, pattern: PlateLike, events: QuerySet[PlateEvent]
) -> list[Place] | None:
    """Return the places of the page's events, or None when the planner can be left alone."""
    others = EventFilter(tuple(c for c in wanted.conditions if c is not pattern))
    found, nearest = _among_the_nearest(asked, others, events, pattern)
    if nearest is None:
        return found
    if len(_beginning(pattern.pattern)) >= SHORTEST_BEGINNING:
        return ByPlate.of(asked, wanted.apply(events)).nearest_first(nearest)
    plates = _rare_plates(pattern)
    if plates is None:
        return None
    matching = others.apply(events).filter(plate_normalized__among=plates)
    return ByPlate.of(asked, matching).nearest_first(nearest)


def _page_by_time(asked: PageRequest, wanted: EventFilter, matching: QuerySet[PlateEvent]) -> Page:
    has_one_plan, behind, place = wanted.has_one_plan, "", wanted.only_place
    if place and connection.vendor == "postgresql":
        # A plan for all cameras would be made for one of usual size: left free, it may walk through
        # history by time, where a camera that has seen little is hardly ever met.
        times = EventFilter(tuple(c for c in wanted.conditions if c is not place))
        matching = times.apply(PlateEvent.objects.all()).filter(
            **{f"{place.field}__among": sorted(place.ids)}
        )
        has_one_plan, behind = True, place.field
    rows = read_rows(
        *(asked.beyond_cursor(matching), asked.limit + 1),
        oldest_first=asked.is_backwards,
        has_one_plan=has_one_plan,
        behind=behind,
    )
    return asked.of(rows)


def read_page(asked: PageRequest, wanted: EventFilter, similar: Collection[str]) -> Page:
    """Return the page of the wanted events; `similar` are the plates that a look-alike search found."""
    patterns = [c for c in wanted.conditions if isinstance(c, PlateLike) and c.is_pattern]
    events = PlateEvent.objects.all()
    if connection.vendor == "postgresql":
        if wanted.similar:
            return _page_of_plates(asked, wanted, similar)
        places = _find(asked, wanted, patterns[0], events) if patterns else None
        if places is not None:
            return _page(asked, places)
    matching = wanted.apply(events)
    if wanted.similar:
        matching = matching.filter(plate_normalized__among=similar)
    return _page_by_time(asked, wanted, matching)
