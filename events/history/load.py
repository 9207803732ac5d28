"""Writes history month by month: events, receipts, rollups and known plates, as if dispatched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from random import Random

from django.db import transaction

from events.history.roads import Place, Traffic, make_places
from events.history.tables import (
    EVENT,
    RECEIPT,
    Row,
    analyze,
    month_table,
    new_ids,
    no_time_limit,
    write,
    write_plate_counts,
    write_plates,
    write_rollups,
)
from events.history.vehicles import Population
from events.models import DayPlate, EventReceipt, MonthPlate, Rollup, StreamHead
from events.partitions import Month
from events.plate_counts import by_month, count_plates
from events.spans import day_of
from events.statistics.rollups import NONE, Change, Combination, add_counts, counted

Passage = tuple[datetime, Place]
Span = Rollup.Span


def _moment(moment: datetime) -> str:
    """As both databases take it; it is UTC."""
    return moment.isoformat(" ", "microseconds")[:26]


@dataclass(frozen=True, kw_only=True)
class Asked:
    events: int
    days: int
    plates: int
    seed: int
    end: datetime


class History:
    def __init__(self, asked: Asked, report: Callable[[str], object]) -> None:
        self.asked, self.report = asked, report
        self.random = Random(asked.seed)  # noqa: S311 - no secret
        self.population = Population(self.random, min(asked.plates, asked.events))
        self.traffic = Traffic(self.random, make_places())
        self.passing = self.population.passages(asked.events)
        self.written = 0
        self.known: set[str] = set()
        self.position = 0
        self.counts: dict[Combination, Change] = {}
        self.plates: Counter[tuple[date, str]] = Counter()

    def load(self) -> None:
        asked = self.asked
        days = self.traffic.split(asked.events, asked.end, asked.days)
        with no_time_limit():
            for month, part in groupby(days, key=lambda day: Month.of(day[0])):
                self._load_month(month, list(part))
            analyze()

    def _load_month(self, month: Month, days: list[tuple[datetime, int]]) -> None:
        with transaction.atomic():
            # Dispatchers wait: the positions are consecutive.
            head = StreamHead.objects.select_for_update().get()
            self.position = head.position
            with month_table(month) as (table, is_new):
                self._write(days, table, is_new=is_new)
            StreamHead.objects.filter(pk=head.pk).update(position=self.position)
        self.report(f"{month.year:04}-{month.month:02}: {self.written} events")

    def _write(self, days: list[tuple[datetime, int]], table: str, *, is_new: bool) -> None:
        receipts: list[Row] = []
        self.counts, self.plates = {}, Counter()
        # Before the first row: during COPY the connection takes no other statement.
        ids = iter(new_ids(sum(count for _, count in days)))
        rows = (
            row
            for start, count in days
            for row in self._day(self.traffic.day(start, count), ids, receipts)
        )
        # A table as new as the transaction: nobody can have seen its rows.
        write(table, EVENT, rows, "(FREEZE)" if is_new else "")
        write(EventReceipt._meta.db_table, RECEIPT, receipts)
        self._count(is_new=is_new)

    def _count(self, *, is_new: bool) -> None:
        """Bring what is counted, and the known plates, up to date with the month."""
        if is_new:
            for _, day in groupby(self.counts.items(), key=lambda item: day_of(item[0].hour)):
                write_rollups(counted(dict(day), [Span.HOUR, Span.DAY]))
            write_rollups(counted(self.counts, [Span.MONTH]))
            write_plate_counts(DayPlate, self.plates)
            write_plate_counts(MonthPlate, by_month(self.plates))
        else:
            add_counts(self.counts)
            count_plates(self.plates)
        seen = set[str]().union(*(change.plates for change in self.counts.values()))
        write_plates(sorted(seen - self.known))
        self.known |= seen

    def _day(
        self,
        passages: list[Passage],
        ids: Iterator[int],
        receipts: list[Row],
    ) -> Iterator[Row]:
        """Yield the day's events, and note their receipts and what they add to the rollups."""
        counts, seen = self.counts, self.plates
        day = passages[0][0].date() if passages else date.min
        random, plates, looks = self.random, self.population.plates, self.population.looks
        uniform, bits, look_count = random.random, random.getrandbits, len(looks)
        for captured_at, place in passages:
            index = next(self.passing)
            text, plate, region = plates[index]
            look = looks[index % look_count]
            confidence = round(1 - 0.35 * uniform() ** 3, 3)
            captured = _moment(captured_at)
            received = _moment(captured_at + timedelta(seconds=0.2 + uniform()))
            event_id, pk = f"{bits(128):032x}", next(ids)
            self.position += 1
            receipts.append(
                (pk, place.sensor, event_id, bits(256).to_bytes(32), captured, self.position)
            )
            key = Combination(
                captured_at.replace(minute=0, second=0, microsecond=0),
                place.camera,
                place.zone or NONE,
                look.kind,
            )
            change = counts.get(key)
            if change is None:
                change = counts[key] = Change()
            change.events += 1
            change.confidence_sum += confidence
            change.plates.add(plate)
            seen[day, plate] += 1
            yield (
                *(pk, event_id, place.sensor, place.camera, place.zone, text, plate, confidence),
                *(region, captured, received, look.kind, look.make, look.color),
                *(look.details, "", "", "", ""),
            )
            self.written += 1
