"""One moment for several queries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

_BEGIN = {
    "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    # Not atomic(): its BEGIN IMMEDIATE would keep the writers waiting.
    "sqlite": "BEGIN DEFERRED",
}


@contextmanager
def one_snapshot() -> Iterator[None]:
    """See the data of one moment in every query inside, without holding up anybody who writes.

    Otherwise an event could leave the outbox between two queries, and be counted twice or never.
    Inside a transaction this does nothing.
    """
    if connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN[connection.vendor])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("COMMIT")  # after a failed query the database makes it a rollback
