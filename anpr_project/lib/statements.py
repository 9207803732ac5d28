"""Statements that come often, and the same each time but for their values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
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


def as_array(values: Iterable[str]) -> str:
    """Return PostgreSQL's text of an array, of numbers, times or what is quoted already.

    The driver takes several calls for each value of a list.
    """
    return f"{{{','.join(values)}}}"


def set_each(table: str, columns: Sequence[str], rows: Sequence[Sequence[int | str]]) -> None:
    """Set the columns of many rows, each to values of its own; a row is an id, then its values.

    bulk_update would build a CASE of as many branches as there are rows, for each column, and the
    database go through it for each row.
    """
    if not rows:
        return
    places = ", ".join([f"({', '.join(['%s'] * (len(columns) + 1))})"] * len(rows))
    changes = ", ".join(f"{column} = given.{column}" for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH given(id, {', '.join(columns)}) AS (VALUES {places}) "  # noqa: S608 - placeholders only
            f"UPDATE {table} SET {changes} FROM given WHERE {table}.id = given.id",
            list(chain.from_iterable(rows)),
        )


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
