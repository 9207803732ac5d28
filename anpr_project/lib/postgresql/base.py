"""Django's backend for PostgreSQL, whose pool hands out no connection that the server has ended.

The pool's own check costs a round trip for each request, and waits ever longer between two dead
connections: after a restart of the database a request would give up before it had seen them all.
And it reads times eight times as fast as Django's, whose loader is a pattern in Python.
"""

from __future__ import annotations

import select
from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from django.db.backends.utils import CursorWrapper


def is_alive(connection: psycopg.Connection[Any]) -> bool:
    """Whether an idle connection still stands: a server that ended it has said so, unread."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if not poll.poll(0):
        return True
    try:
        connection.execute("")
    except psycopg.Error:
        return False
    return True


class TimeLoader(BaseTzLoader):  # type: ignore[misc]  # it has no types
    timezone = UTC

    def load(self, data: Any) -> datetime:
        try:
            return datetime.fromisoformat(str(data, "ascii"))
        except ValueError:
            # Infinite, before our era or after year 9999.
            return super().load(data)  # type: ignore[no-any-return]


class DatabaseWrapper(base.DatabaseWrapper):
    def get_connection_params(self) -> dict[str, Any]:
        params = super().get_connection_params()
        if self.timezone == UTC:
            params["context"].adapters.register_loader("timestamptz", TimeLoader)
        # Concern prepared_cursor() alone: Django's own cursors never prepare. Left to itself, the
        # server would plan anew whenever it takes a plan for the values to be a little cheaper.
        options = f"{params.get('options', '')} -c plan_cache_mode=force_generic_plan"
        return params | {"prepare_threshold": 1, "options": options}

    def prepared_cursor(self) -> CursorWrapper:
        """Return a cursor whose statements each connection plans once, for those that come often."""
        self.ensure_connection()
        cursor: CursorWrapper = self._prepare_cursor(  # type: ignore[attr-defined]
            base.ServerBindingCursor(self.connection)  # type: ignore[call-arg]
        )
        return cursor

    def get_new_connection(self, conn_params: Any) -> Any:
        while True:
            connection = super().get_new_connection(conn_params)
            pool = getattr(self, "pool", None)
            if pool is None or is_alive(connection):
                return connection
            # Thrown away there, and replaced; there are as many turns as dead connections.
            pool.putconn(connection)
