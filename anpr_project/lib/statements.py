"""Statements that come often, and the same each time but for their values."""

from __future__ import annotations

from collections.abc import Iterable
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
