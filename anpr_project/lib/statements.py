"""Statements that come often, and the same each time but for their values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet

if TYPE_CHECKING:
    from anpr_project.lib.postgresql.base import DatabaseWrapper


def planned_once() -> CursorWrapper:
    """Return a cursor whose statements PostgreSQL plans once for each connection.

    Only for those whose best plan does not depend on the values.
    """
    if connection.vendor != "postgresql":
        return connection.cursor()
    return cast("DatabaseWrapper", connection).prepared_cursor()


def read_objects(key: str, value: str, selects: Iterable[str], values: Sequence[Any]) -> list[str]:
    """Return a JSON object of two columns for each SELECT, in one statement that is planned once.

    For thousands of rows: to fetch each took half as long again.
    """
    is_postgresql = connection.vendor == "postgresql"
    joined = f"{'json_object_agg' if is_postgresql else 'json_group_object'}({key}, {value})"
    parts = [
        f"SELECT {number}, CAST({joined} AS text) FROM ({select}) AS part_{number}"  # noqa: S608 - the caller's
        for number, select in enumerate(selects)
    ]
    with planned_once() as cursor:
        cursor.execute(" UNION ALL ".join(parts), values)
        return [text or "{}" for _, text in sorted(cursor.fetchall())]


def as_array(values: Iterable[str]) -> str:
    """Return PostgreSQL's text of an array, of numbers, times or what is quoted already.

    The driver takes several calls for each value of a list.
    """
    return f"{{{','.join(values)}}}"


def condition_of(rows: QuerySet[Any, Any]) -> tuple[str, list[Any]]:
    """Return the condition of filtered rows and its values, for a statement that is written out.

    Django composes the rest anew each time too, which takes longer than the database's answer.
    """
    compiler = rows.query.get_compiler(connection=connection)
    try:
        condition, values = compiler.compile(rows.query.where)
    except FullResultSet:
        return "true", []
    except EmptyResultSet:
        return "false", []
    return condition, list(values)
