"""The most frequent plates of a range, exactly, without counting all others.

A plate cannot have more events in the range than in the months and days that hold the range, and of
each of those the counts of its most frequent plates are read. So every plate has a bound. From the
highest bound down plates are counted exactly, until the tenth has more than any other can have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import Count, QuerySet

from events.models import DayPlate, MonthPlate, PlateEvent
from events.plate_counts import PlateCount
from events.spans import BUCKETS, Range, month_after, month_of

# So many plates of each span are read.
LISTED = 200
# A part of a month that touches more days is bounded by its month.
MOST_DAYS = 3
FIRST_COUNTED = 64
MOST_COUNTED = 1500

Waiting = Collection[tuple[str, datetime]]


class Span(NamedTuple):
    model: type[PlateCount]
    starts_on: date

    @property
    def list_query(self) -> str:
        return (
            f"SELECT plate, events FROM {self.model._meta.db_table} "  # noqa: S608
            "WHERE starts_on = %s AND events > 1 ORDER BY events DESC LIMIT %s"
        )


@dataclass
class Cover:
    """What the range is made of: spans that lie in it, and parts that lie in other spans."""

    whole: list[Span] = field(default_factory=list)
    parts: list[Range] = field(default_factory=list)
    around_parts: list[Span] = field(default_factory=list)

    @classmethod
    def of(cls, asked: Range) -> Cover:
        cover = cls()
        months = asked.whole_months()
        if months:
            cover.whole += [Span(MonthPlate, start.date()) for start in months.months()]
        for part in asked.without(months):
            cover._add(part)
        return cover

    def _add(self, part: Range) -> None:
        day = BUCKETS["day"]
        touched = list(part.buckets(day))
        if len(touched) > MOST_DAYS:
            self.parts.append(part)
            self.around_parts += [Span(MonthPlate, start.date()) for start in part.months()]
            return
        whole = part.whole(day)
        if whole:
            self.whole += [Span(DayPlate, start.date()) for start in whole.buckets(day)]
        for rest in part.without(whole):
            self.parts.append(rest)
            self.around_parts += [Span(DayPlate, start.date()) for start in rest.buckets(day)]


def _read_lists(spans: list[Span]) -> list[dict[str, int]]:
    """Return the most frequent plates of each span, in one statement."""
    lists: list[dict[str, int]] = [{} for _ in spans]
    # Each in brackets, for SQLite.
    selects = [
        f"SELECT {number}, plate, events FROM ({span.list_query}) AS list_{number}"  # noqa: S608
        for number, span in enumerate(spans)
    ]
    parameters = [value for span in spans for value in (span.starts_on.isoformat(), LISTED)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(selects), parameters)
        for number, plate, events in cursor.fetchall():
            lists[number][plate] = events
    return lists


def _most_of_others(listed: Mapping[str, int]) -> int:
    """Return how many events a plate may have that is not in the list of its span."""
    return min(listed.values()) if len(listed) >= LISTED else 1


class Search:
    """One search; `events` are those of the range, `waiting` what the dispatcher has yet to count."""

    def __init__(self, asked: Range, events: QuerySet[PlateEvent], waiting: Waiting) -> None:
        self.events, self.cover = events, Cover.of(asked)
        self.in_parts = [
            events.filter(captured_at__gte=part.start, captured_at__lt=part.end)
            for part in self.cover.parts
        ]
        spans = [*self.cover.whole, *self.cover.around_parts]
        self.lists = _read_lists(spans)
        self.others = sum(map(_most_of_others, self.lists))
        self.waiting = Counter(plate for plate, _ in waiting)
        self.waiting_in_whole = Counter(
            plate
            for plate, moment in waiting
            if not any(part.start <= moment < part.end for part in self.cover.parts)
        )

    def bounds(self) -> Counter[str]:
        """Return how many events each plate can have at most; all that are not in it: `others`."""
        bounds = Counter(dict.fromkeys(self.waiting, self.others))
        bounds.update(self.waiting)
        for listed in self.lists:
            others = _most_of_others(listed)
            for plate, number in listed.items():
                bounds[plate] = (bounds[plate] or self.others) + number - others
        return bounds

    def count(self, plates: list[str]) -> list[tuple[str, int]]:
        """Return the plates with the numbers of their events in the range."""
        counts = Counter({plate: self.waiting_in_whole[plate] for plate in plates})
        whole = dict(zip(self.cover.whole, self.lists, strict=False))
        for listed in whole.values():
            counts.update({plate: listed[plate] for plate in plates if plate in listed})
        for model in {span.model for span in whole}:
            lists = {
                span.starts_on: listed for span, listed in whole.items() if span.model is model
            }
            self._count_unlisted(model, lists, plates, counts)
        for part in self.in_parts:
            found = part.order_by().filter(plate_normalized__in=plates)
            counts.update(dict(found.values_list("plate_normalized").annotate(Count("id"))))
        return list(counts.items())

    def _count_unlisted(
        self,
        model: type[PlateCount],
        lists: Mapping[date, Mapping[str, int]],
        plates: list[str],
        counts: Counter[str],
    ) -> None:
        missing = {day: [p for p in plates if p not in listed] for day, listed in lists.items()}
        days = [day for day, unlisted in missing.items() if unlisted]
        if not days:
            return
        unlisted = set[str]().union(*missing.values())
        known = model._default_manager.filter(starts_on__in=days, plate__in=unlisted)
        for day, plate, number in known.values_list("starts_on", "plate", "events"):
            if plate not in lists[day]:
                counts[plate] += number


def _without_empty_ends(asked: Range) -> Range:
    """Return the range with months whole that have no events but those in the range.

    So it is with the first month of all, and with this month, which has no future yet.
    """
    first, last = month_of(asked.start), month_of(asked.end)
    if first == last:
        return asked
    after = asked.end if asked.end == last else month_after(last)
    before_start, after_end = Range(first, asked.start), Range(asked.end, after)
    if not before_start and not after_end:
        return asked
    is_first_touched, is_last_touched = _have_events(before_start, after_end)
    return Range(
        asked.start if is_first_touched else first, asked.end if is_last_touched else after
    )


def _have_events(*ranges: Range) -> list[bool]:
    """Return of each range whether it has any events, in one statement."""
    exists = f"EXISTS(SELECT 1 FROM {PlateEvent._meta.db_table} "  # noqa: S608 - our own name
    exists += "WHERE captured_at >= %s AND captured_at < %s)"
    moment = connection.ops.adapt_datetimefield_value
    ends = [moment(end) for of in ranges for end in (of.start, of.end)]
    # Planned each time: of an empty range it must be known that the index tells it.
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join([exists] * len(ranges))}", ends)
        return [bool(has_events) for has_events in cursor.fetchone()]


def most_frequent(
    number: int, asked: Range, events: QuerySet[PlateEvent], waiting: Waiting
) -> tuple[list[tuple[str, int]], bool]:
    """Return the most frequent plates, and whether it is certain that there are no others."""
    search = Search(_without_empty_ends(asked), events, waiting)
    ranked = search.bounds().most_common()
    found: list[tuple[str, int]] = []
    done, step = 0, FIRST_COUNTED
    while done < min(len(ranked), MOST_COUNTED):
        found += search.count([plate for plate, _ in ranked[done : done + step]])
        found = sorted(found, key=lambda item: (-item[1], item[0]))[:number]
        done, step = done + step, 2 * step
        rest = ranked[done][1] if done < len(ranked) else search.others
        if len(found) == number and found[-1][1] > rest:
            return found, True
    return [item for item in found if item[1]], False
