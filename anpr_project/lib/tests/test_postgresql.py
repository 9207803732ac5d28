from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DataError, connection

from anpr_project.lib.postgresql.lasting import LastingConnection

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite keeps times as text"),
]


def read(text: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [text])
        return cursor.fetchone()[0]


@pytest.mark.parametrize("microsecond", [0, 1, 120_000, 123_450, 999_999])
def test_times_come_back_as_they_were_written(microsecond: int) -> None:
    at = datetime(1970, 2, 28, 23, 59, 59, microsecond, tzinfo=UTC)
    found = read(at.isoformat())
    assert found == at
    assert found.tzinfo is UTC


def test_a_time_that_python_does_not_have_is_an_error_and_no_other_time() -> None:
    for text in ("infinity", "0044-03-15 12:00:00 BC", "10000-01-01"):
        with pytest.raises(DataError):
            read(text)


def test_a_connection_that_lasts_is_replaced_when_the_server_has_ended_it() -> None:
    lasting = LastingConnection()

    def session() -> int:
        with lasting().cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return int(cursor.fetchone()[0])

    first = session()
    assert session() == first
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
    second = session()
    assert second != first
    lasting.close()
    assert session()
    lasting.close()
