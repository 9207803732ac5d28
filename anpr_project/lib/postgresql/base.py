"""Django's backend for PostgreSQL, whose pool hands out no connection that the server has ended.

The pool's own check costs a round trip for each request, and waits ever longer between two dead
connections: after a restart of the database a request would give up before it had seen them all.
"""

from __future__ import annotations

import select
from typing import Any

import psycopg
from django.db.backends.postgresql import base
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


class DatabaseWrapper(base.DatabaseWrapper):
    def get_connection_params(self) -> dict[str, Any]:
        # Concerns prepared_cursor() alone: Django's own cursors never prepare.
        return super().get_connection_params() | {"prepare_threshold": 1}

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
