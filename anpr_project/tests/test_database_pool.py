"""The pool of database connections after the server has ended some of them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest
from django.db import connection

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server"),
]


def test_a_connection_that_died_while_idle_is_not_handed_out() -> None:
    pool: Any = connection.pool  # type: ignore[attr-defined]
    with pool.connection() as idle:
        pid = idle.info.backend_pid
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        assert cursor.fetchone() == (True,)

    with ExitStack() as stack:
        for _ in range(3):
            given = stack.enter_context(pool.connection())
            assert given.info.backend_pid != pid
            assert given.execute("SELECT 1").fetchone() == (1,)
