"""How often each plate was seen on each day and in each month, behind the list of the most frequent.

Kept by the dispatcher with the rollups, under the same lock, one statement a batch and table: exact
whatever came late, out of order, or was deleted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from django.db import connection, models

from events.spans import DAY

# Rows of one statement.
CHUNK = 5000
# Rows that a step of forget() deletes.
STEP = 20_000

Counts = Mapping[tuple[date, str], int]


class PlateCount(models.Model):
    """Base: the events of one plate in one span of time that begins on `starts_on` (UTC)."""

    pk = models.CompositePrimaryKey("starts_on", "plate")
    starts_on = models.DateField()
    plate = models.CharField(max_length=32)
    events = models.IntegerField()

    class Meta:
        abstract = True
        default_permissions = ()
        indexes = [
            # The most frequent ones. Most plates are seen once, and need no entry.
            models.Index(
                fields=["starts_on", "-events"],
                condition=models.Q(events__gt=1),
                name="%(class)s_frequent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plate} {self.starts_on}"


class DayPlate(PlateCount):
    class Meta(PlateCount.Meta):
        abstract = False


class MonthPlate(PlateCount):
    class Meta(PlateCount.Meta):
        abstract = False


def count_plates(days: Counts, sign: int = 1) -> None:
    """Count plates by the days on which they were captured; `sign` -1 undoes that."""
    _change(DayPlate, days, sign)
    _change(MonthPlate, by_month(days), sign)


def by_month(days: Counts) -> Counts:
    months: Counter[tuple[date, str]] = Counter()
    for (day, plate), number in days.items():
        months[day.replace(day=1), plate] += number
    return months


def _change(model: type[PlateCount], counts: Counts, sign: int) -> None:
    # In order: the pages of the index are met one after the other.
    rows = sorted((day, plate, sign * number) for (day, plate), number in counts.items())
    for start in range(0, len(rows), CHUNK):
        _add(model, rows[start : start + CHUNK])
    if sign < 0:
        model._default_manager.filter(
            starts_on__in={day for day, _ in counts},
            plate__in={plate for _, plate in counts},
            events__lte=0,
        ).delete()


def _add(model: type[PlateCount], rows: Sequence[tuple[date, str, int]]) -> None:
    table, places = model._meta.db_table, ", ".join(["(%s, %s, %s)"] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} AS known (starts_on, plate, events) VALUES {places} "  # noqa: S608
            "ON CONFLICT (starts_on, plate) DO UPDATE SET events = known.events + excluded.events",
            [value for day, plate, number in rows for value in (day.isoformat(), plate, number)],
        )


def forget(start: datetime, end: datetime) -> Iterator[None]:
    """Delete the counts of a month, a step at a time."""
    day = start
    while day < end:
        DayPlate.objects.filter(starts_on=day.date()).delete()
        yield
        day += DAY
    month = MonthPlate.objects.filter(starts_on=start.date())
    while last := month.order_by("plate").values_list("plate", flat=True)[STEP : STEP + 1].first():
        month.filter(plate__lt=last).delete()
        yield
    month.delete()
    yield
