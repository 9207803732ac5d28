"""Pages of events with what is shown of them, by a SELECT that is composed once.

To compose it anew for each page, with its joins, took longer than the database takes to answer it.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery, TextField
from django.db.models.functions import Cast

from anpr_project.lib.statements import condition_of, planned_once
from events.models import PlateEvent, TpmsReading

SHOWN = (
    *("pk", "event_id", "plate", "plate_normalized", "confidence", "region"),
    *("captured_at", "received_at", "sensor_id", "sensor__name", "camera_id", "camera__name"),
    *("zone_id", "zone__name", "details_text", "frame", "frame_sha256", "crop", "crop_sha256"),
    # Whether it has any: most have none, and nobody needs to look for them.
    "first_tyre",
)
TABLE = PlateEvent._meta.db_table
Row = namedtuple("Row", SHOWN)  # type: ignore[misc]

Converted = Callable[[list[tuple[Any, ...]]], Any]


@cache
def _select() -> tuple[str, Converted]:
    """Return SELECT and FROM, and what makes rows of what the database returns."""
    tyres = TpmsReading.objects.filter(event=OuterRef("pk")).order_by().values("id")[:1]
    events = PlateEvent.objects.order_by().annotate(
        first_tyre=Subquery(tyres), details_text=Cast("details", TextField())
    )
    compiler = events.values_list(*SHOWN).query.get_compiler(connection=connection)
    statement, _ = compiler.as_sql()
    converters = compiler.get_converters([column for column, *_ in compiler.select])
    if not converters:
        return statement, lambda rows: map(Row._make, rows)
    return (
        statement,
        lambda rows: map(Row._make, compiler.apply_converters(rows, converters)),
    )


def by_time(*, oldest_first: bool, table: str = TABLE, behind: str = "") -> str:
    """Return how rows of the table are ordered; `behind` is a column with one value in all of them.

    Only an index that begins with that column has this order, so no other one is walked.
    """
    way = "ASC" if oldest_first else "DESC"
    first = f"{table}.{behind} {'DESC' if oldest_first else 'ASC'}, " if behind else ""
    return f"ORDER BY {first}{table}.captured_at {way}, {table}.id {way}"


def read_rows(
    events: QuerySet[PlateEvent],
    limit: int | None = None,
    *,
    oldest_first: bool,
    has_one_plan: bool = False,
    behind: str = "",
) -> list[Any]:
    """Return the first rows of filtered events, by time.

    `has_one_plan`: the best one does not depend on the values that are asked for.
    """
    select, converted = _select()
    condition, parameters = condition_of(events)
    order = by_time(oldest_first=oldest_first, behind=behind)
    if limit is not None:
        order += f" LIMIT {limit:d}"
    with planned_once() if has_one_plan else connection.cursor() as cursor:
        cursor.execute(f"{select} WHERE {condition} {order}", parameters)
        return list(converted(cursor.fetchall()))


def read_places(
    places: str, parameters: Sequence[Any], *, oldest_first: bool, has_one_plan: bool = True
) -> list[Any]:
    """Return the rows whose id and captured_at another SELECT finds, by time.

    Each is looked for in the month in which it lies.
    """
    select, converted = _select()
    there = f"place.id = {TABLE}.id AND place.captured_at = {TABLE}.captured_at"
    order = by_time(oldest_first=oldest_first)
    with planned_once() if has_one_plan else connection.cursor() as cursor:
        cursor.execute(f"{select} JOIN ({places}) AS place ON {there} {order}", parameters)
        return list(converted(cursor.fetchall()))
