"""Pages of a search by wildcard or by look-alikes, however often the pattern occurs.

Left alone, the planner walks one index or the other on a guess of how frequent the pattern is, and
where it guesses wrong it reads millions of rows for a page of fifty. So both ways are taken to an
end that is near: the newest events first, where a frequent pattern fills the page at once; then the
pattern's own stretch of the index of plates, which is short when the pattern is rare.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from anpr_project.lib.statements import as_array, condition_of, planned_once
from events.conditions import PlateLike
from events.filters import EventFilter
from events.lookups import beginning_with
from events.models import KnownPlate, PlateEvent
from events.plates import WILDCARDS
from events.search.event_rows import TABLE, by_time, read_places, read_rows
from events.search.keyset import Page, PageRequest
from events.search.similar import unseen_plates

# So many of the newest events are looked at: a pattern of one in forty fills a page, and how often
# another one occurs among them tells how far back a page of it may reach.
NEAR = 2_000
# So many matches are sorted; a pattern with more is so frequent that walking by time is short.
MOST_MATCHES = 20_000
# So many matches of a few plates are sorted at once. Of more, the newest ones of each plate are looked
# for in each month, which takes a look for each of both.
FEW_MATCHES = 2_000
# So many distinct plates are asked for one by one.
MOST_PLATES = 4_000
# Half as long again as the matches that were found let expect, for traffic is not even; then wider.
MARGIN, WIDER = 1.5, 8
# What is not found in a year is looked for in all.
LONGEST = timedelta(days=366)
# From a shorter beginning the stretch of the index is long, and most of it is no match.
SHORTEST_BEGINNING = 2

# One text, and no array as text: in that, the plate NULL would be none. A plate has no comma.
PLATES = "string_to_array(%s, ',')"

Place = tuple[int, datetime]


@dataclass(frozen=True)
class Nearest:
    """What was found among the nearest events: all there is, if these were not so many."""

    matches: list[Place]
    looked_at: int
    first: datetime | None
    last: datetime | None

    def is_enough(self, number: int) -> bool:
        return len(self.matches) >= number or self.looked_at < NEAR

    def likely_ends(self, number: int) -> Iterator[datetime]:
        """Yield until when there may be so many matches, at the rate of these."""
        if self.first is None or self.last is None:
            return
        likely = MARGIN * number / max(len(self.matches), 0.5) * (self.last - self.first)
        for stretch in (likely, WIDER * likely):
            if abs(stretch) < LONGEST:
                yield self.first + stretch


def _among_the_nearest(
    asked: PageRequest, wanted: EventFilter, events: QuerySet[PlateEvent], pattern: PlateLike
) -> Nearest:
    condition, parameters = condition_of(asked.beyond_cursor(wanted.apply(events)))
    like = pattern.pattern.replace("*", "%").replace("?", "_")
    order = by_time(oldest_first=asked.is_backwards)
    order_near = by_time(oldest_first=asked.is_backwards, table="near")
    ends = (
        "max(captured_at), min(captured_at)"
        if asked.is_backwards
        else ("min(captured_at), max(captured_at)")
    )
    with planned_once() if wanted.has_one_plan else connection.cursor() as cursor:
        cursor.execute(
            "WITH near AS MATERIALIZED (SELECT id, captured_at, plate_normalized "  # noqa: S608
            f"FROM {TABLE} WHERE {condition} {order} LIMIT {NEAR}) "
            f"(SELECT id, captured_at, NULL::timestamptz FROM near WHERE plate_normalized LIKE %s "
            f"{order_near} LIMIT {asked.limit + 1:d}) "
            f"UNION ALL SELECT count(*), {ends} FROM near",
            [*parameters, like],
        )
        *matches, (looked_at, last, first) = cursor.fetchall()
    return Nearest([(pk, at) for pk, at, _ in matches], looked_at, first, last)


@dataclass(frozen=True)
class ByPlate:
    """The matches by the index of plates, from as long a stretch of time as is asked for."""

    asked: PageRequest
    condition: str
    parameters: list[Any]
    has_one_plan: bool

    def within(self, until: datetime | None = None) -> list[Place] | None:
        """Return the nearest matches; None when there are too many to sort."""
        condition, parameters = self.condition, list(self.parameters)
        if until:
            condition += f" AND captured_at {'<=' if self.asked.is_backwards else '>='} %s"
            parameters.append(until)
        order = by_time(oldest_first=self.asked.is_backwards, table="matching")
        with planned_once() if self.has_one_plan else connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, captured_at, count(*) OVER () FROM ("  # noqa: S608
                f"SELECT id, captured_at FROM {TABLE} WHERE {condition} "
                f"ORDER BY plate_normalized LIMIT {MOST_MATCHES + 1}) AS matching "
                f"{order} LIMIT {self.asked.limit + 1:d}",
                parameters,
            )
            found = cursor.fetchall()
        if found and found[0][2] > MOST_MATCHES:
            return None
        return [(pk, captured_at) for pk, captured_at, _ in found]

    def nearest_first(self, near: Nearest) -> list[Place] | None:
        """Return the nearest matches, from no longer a stretch than needed."""
        number = self.asked.limit + 1
        for until in near.likely_ends(number):
            found = self.within(until)
            if found is None or len(found) >= number:
                return found
        return self.within()


def _page(asked: PageRequest, places: list[Place]) -> Page:
    if not places:
        return asked.of([])
    given = "SELECT * FROM unnest(%s::bigint[], %s::timestamptz[]) AS given(id, captured_at)"
    ids = as_array(str(pk) for pk, _ in places)
    times = as_array(captured_at.isoformat() for _, captured_at in places)
    return asked.of(read_places(given, [ids, times], oldest_first=asked.is_backwards))


def _page_of_plates(asked: PageRequest, wanted: EventFilter, plates: Collection[str]) -> Page:
    """Return the page of events of a few plates, by their stretches of the index of plates."""
    condition, parameters = condition_of(
        asked.beyond_cursor(wanted.apply(PlateEvent.objects.all()))
    )
    limit = f"LIMIT {asked.limit + 1:d}"
    order = by_time(oldest_first=asked.is_backwards, table="found")
    all_at_once = (
        f"WITH found AS MATERIALIZED (SELECT id, captured_at FROM {TABLE} "  # noqa: S608 - ours
        f"WHERE {condition} AND plate_normalized = ANY({PLATES}) "
        f"ORDER BY plate_normalized LIMIT {FEW_MATCHES + 1}) "
        f"SELECT * FROM found WHERE (SELECT count(*) FROM found) <= {FEW_MATCHES} {order} {limit}"
    )
    of_one = by_time(oldest_first=asked.is_backwards)
    one_by_one = (
        f"SELECT found.id, found.captured_at FROM unnest({PLATES}) AS wanted(plate) "  # noqa: S608
        f"CROSS JOIN LATERAL (SELECT id, captured_at FROM {TABLE} WHERE {condition} "
        f"AND plate_normalized = wanted.plate {of_one} {limit}) AS found {order} {limit}"
    )
    names = ",".join(plates)
    # The second when the first finds too many, or none.
    for places, values in ((all_at_once, [*parameters, names]), (one_by_one, [names, *parameters])):
        rows = read_places(
            *(places, values),
            oldest_first=asked.is_backwards,
            has_one_plan=wanted.has_one_plan,
        )
        if rows:
            break
    return asked.of(rows)


def _beginning(pattern: str) -> str:
    return re.split(f"[{WILDCARDS}]", pattern, maxsplit=1)[0]


def _rare_plates(pattern: PlateLike) -> str | None:
    """Return the plates of a pattern without a fixed beginning, as PLATES takes them; None: many.

    As one text, as which they go back: thousands of rows took longer to read than to find.
    """
    condition, values = condition_of(KnownPlate.objects.filter(pattern.on("plate")))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), string_agg(plate, ',') FROM ("  # noqa: S608 - our names
            f"SELECT plate FROM {KnownPlate._meta.db_table} WHERE {condition} "
            f"LIMIT {MOST_PLATES + 1}) AS rare",
            values,
        )
        number, known = cursor.fetchone()
    if number > MOST_PLATES:
        return None
    return ",".join([*([known] if known else ()), *filter(pattern.fits, unseen_plates())])


def _find(
    asked: PageRequest, wanted: EventFilter, pattern: PlateLike, events: QuerySet[PlateEvent]
) -> list[Place] | None:
    """Return the places of the page's events, or None when the planner can be left alone."""
    others = EventFilter(tuple(c for c in wanted.conditions if c is not pattern))
    near = _among_the_nearest(asked, others, events, pattern)
    if near.is_enough(asked.limit + 1):
        return near.matches
    beginning = _beginning(pattern.pattern)
    if len(beginning) >= SHORTEST_BEGINNING:
        begins, values = beginning_with("plate_normalized", beginning)
        matching = wanted.apply(events)
    else:
        plates = _rare_plates(pattern)
        if plates is None:
            return None
        begins, values = f"plate_normalized = ANY({PLATES})", [plates]
        matching = others.apply(events)
    condition, more = condition_of(asked.beyond_cursor(matching))
    by_plate = ByPlate(asked, f"{begins} AND {condition}", [*values, *more], others.has_one_plan)
    return by_plate.nearest_first(near)


def _page_by_time(
    asked: PageRequest, wanted: EventFilter, events: QuerySet[PlateEvent], similar: Collection[str]
) -> Page:
    place = wanted.only_place if connection.vendor == "postgresql" else None
    if place:
        # A plan for all cameras would be made for one of usual size: left free, it may walk through
        # history by time, where a camera that has seen little is hardly ever met.
        times = (condition.q for condition in wanted.conditions if condition is not place)
        matching = events.filter(Q((f"{place.field}__among", place.ids)), *times)
    else:
        matching = wanted.apply(events)
    if wanted.similar:
        matching = matching.filter(plate_normalized__among=similar)
    rows = read_rows(
        *(asked.beyond_cursor(matching), asked.limit + 1),
        oldest_first=asked.is_backwards,
        has_one_plan=wanted.has_one_plan or place is not None,
        behind=place.field if place else "",
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
    return _page_by_time(asked, wanted, events, similar)
