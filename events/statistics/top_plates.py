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
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
from django.db import connection

from anpr_project.lib.statements import condition_of, planned_once, read_objects
from events.models import DayPlate, MonthPlate, PlateEvent
from events.plate_counts import PlateCount
from events.spans import BUCKETS, Range

# So many plates of each span are read.
LISTED = 200
# A part of a month that touches more days is bounded by its month: of fewer days its bounds are so
# far above the counts that a third of a second went by before it was certain that they do not help.
MOST_DAYS = 10
FIRST_COUNTED = 64
MOST_COUNTED = 1500

Waiting = Collection[tuple[str, datetime]]
_list = msgspec.json.Decoder(dict[str, int])


class Span(NamedTuple):
    model: type[PlateCount]
    starts_on: date

    @property
    def list_query(self) -> str:
        return (
            f"SELECT plate, events FROM {self.model._meta.db_table} "  # noqa: S608
            f"WHERE starts_on = %s AND events > 1 ORDER BY events DESC LIMIT {LISTED}"
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
    """Return the most frequent plates of each span.

    Whatever the days, a list is a stretch of the index of the most frequent ones.
    """
    if not spans:
        return []
    days = [str(span.starts_on) for span in spans]
    found = read_objects("plate", "events", [span.list_query for span in spans], days)
    return [_list.decode(text) for text in found]


def _most_of_others(listed: Mapping[str, int]) -> int:
    """Return how many events a plate may have that is not in the list of its span."""
    return min(listed.values()) if len(listed) >= LISTED else 1


class Search:
    """One search; `waiting` is what the dispatcher has yet to count."""

    def __init__(self, cover: Cover, waiting: Waiting) -> None:
        self.cover = cover
        spans = [*self.cover.whole, *self.cover.around_parts]
        self.lists = _read_lists(spans)
        self.others = sum(map(_most_of_others, self.lists))
        self.waiting = Counter(plate for plate, _ in waiting)
        self.waiting_in_whole = Counter(
            plate
            for plate, moment in waiting
            if not any(part.start <= moment < part.end for part in self.cover.parts)
        )

    def bounds(self) -> dict[str, int]:
        """Return how many events each plate can have at most; all that are not in it: `others`."""
        # Of thousands of plates: a Counter takes twice as long.
        bounds = {plate: self.others + number for plate, number in self.waiting.items()}
        for listed in self.lists:
            others = _most_of_others(listed)
            for plate, number in listed.items():
                bounds[plate] = bounds.get(plate, self.others) + number - others
        return bounds

    def count(self, plates: list[str]) -> list[tuple[str, int]]:
        """Return the plates with the numbers of their events in the range."""
        counts = Counter({plate: self.waiting_in_whole[plate] for plate in plates})
        whole = dict(zip(self.cover.whole, self.lists, strict=False))
        for listed in whole.values():
            # Not update(), which calls a function for each.
            for plate in plates:
                if plate in listed:
                    counts[plate] += listed[plate]
        self._count_unlisted(whole, plates, counts)
        for plate, number in self._read_parts(plates):
            counts[plate] += number
        return list(counts.items())

    def _read_parts(self, plates: list[str]) -> list[tuple[str, int]]:
        """Count the plates' events in what is made of no spans, one by one, in one statement."""
        parts = self.cover.parts
        if not parts:
            return []
        # A set, for at each of a list Django looks once more.
        wanted = PlateEvent.objects.filter(plate_normalized__among=frozenset(plates))
        condition, given = condition_of(wanted)
        moment = connection.ops.adapt_datetimefield_value
        select = (
            f"SELECT plate_normalized, COUNT(*) FROM {PlateEvent._meta.db_table} "  # noqa: S608 - ours
            f"WHERE captured_at >= %s AND captured_at < %s AND {condition} GROUP BY plate_normalized"
        )
        values = [value for of in parts for value in (moment(of.start), moment(of.end), *given)]
        with planned_once() as cursor:
            cursor.execute(" UNION ALL ".join([select] * len(parts)), values)
            found: list[tuple[str, int]] = cursor.fetchall()
        return found

    def _count_unlisted(
        self, whole: Mapping[Span, Mapping[str, int]], plates: list[str], counts: Counter[str]
    ) -> None:
        """Add what is not in the lists, in one statement."""
        selects, values = [], list[Any]()
        for model in {span.model for span in whole}:
            missing = {
                span.starts_on.isoformat(): [plate for plate in plates if plate not in listed]
                for span, listed in whole.items()
                if span.model is model
            }
            days = [day for day, unlisted in missing.items() if unlisted]
            if not days:
                continue
            unlisted = set[str]().union(*missing.values())
            condition, more = condition_of(model._default_manager.filter(plate__among=unlisted))
            selects.append(
                f"SELECT '{model.__name__}' AS kind, starts_on, plate, events "  # noqa: S608 - our names
                f"FROM {model._meta.db_table} "
                f"WHERE starts_on IN ({', '.join(['%s'] * len(days))}) AND {condition}"
            )
            values += [*days, *more]
        if not selects:
            return
        lists = {(of.model.__name__, of.starts_on): listed for of, listed in whole.items()}
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(selects), values)
            for kind, day, plate, number in cursor.fetchall():
                if plate not in lists[kind, day]:
                    counts[plate] += number


def most_frequent(
    number: int, cover: Cover, waiting: Waiting
) -> tuple[list[tuple[str, int]], bool]:
    """Return the most frequent plates, and whether it is certain that there are no others."""
    search = Search(cover, waiting)
    ranked = sorted(search.bounds().items(), key=itemgetter(1), reverse=True)
    found: list[tuple[str, int]] = []
    done, step = 0, FIRST_COUNTED
    while done < min(len(ranked), MOST_COUNTED):
        found += search.count([plate for plate, _ in ranked[done : done + step]])
        first = sorted((-events, plate) for plate, events in found)[:number]
        found = [(plate, -events) for events, plate in first]
        done, step = done + step, 2 * step
        rest = ranked[done][1] if done < len(ranked) else search.others
        if len(found) == number and found[-1][1] > rest:
            return found, True
    return [item for item in found if item[1]], False
