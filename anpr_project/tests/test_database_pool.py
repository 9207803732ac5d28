"""The pool of database connections after the server has ended some of them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from django.db import connection

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server"),
]


def test_connections_that_died_while_idle_are_not_handed_out() -> None:
    pool: Any = connection.pool  # type: ignore[attr-defined]
    with ExitStack() as stack:
        idle = [stack.enter_context(pool.connection()) for _ in range(4)]
        dead = {given.info.backend_pid for given in idle}
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid, 5000) FROM unnest(%s) pid", [[*dead]])
        assert len(cursor.fetchall()) == 4

    def look() -> int:
        """What a request does in a thread that has no connection yet."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = int(cursor.fetchone()[0])
        connection.close()
        return pid

    begun = time.monotonic()
    with ThreadPoolExecutor(1) as thread:
        assert not {thread.submit(look).result() for _ in range(6)} & dead
    assert time.monotonic() - begun < 3
