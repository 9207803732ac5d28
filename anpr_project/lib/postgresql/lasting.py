"""A connection that stays, for those in a process who take turns on it.

Django's belong to a thread and a request: each event's would go through the pool, and be set up anew.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

from django.db import DEFAULT_DB_ALIAS, connections

from anpr_project.lib.postgresql.base import is_alive

if TYPE_CHECKING:
    from anpr_project.lib.postgresql.base import DatabaseWrapper


class LastingConnection:
    """Opened with the first use in each process; who uses it sees to it that nobody else does."""

    def __init__(self) -> None:
        self._made_by: int | None = None
        self._made: DatabaseWrapper | None = None

    def __call__(self) -> DatabaseWrapper:
        """Return the connection, without one that has failed or that the server has ended."""
        if self._made is None or self._made_by != os.getpid():
            self._made = cast("DatabaseWrapper", connections.create_connection(DEFAULT_DB_ALIAS))
            self._made.inc_thread_sharing()
            self._made_by = os.getpid()
        opened = self._made.connection
        if opened is not None and (self._made.errors_occurred or not is_alive(opened)):
            self._made.close()
        return self._made

    def close(self) -> None:
        """Give it up until it is needed again."""
        if self._made is not None:
            self._made.close()
