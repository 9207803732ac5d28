"""Hears from PostgreSQL when configuration changes, whoever changes it, within milliseconds.

Triggers (migration 0002) notify at commit. SQLite has nothing like it and serves small sites: there
nothing is remembered.
"""

from __future__ import annotations

import logging
import os
import threading
import time

import psycopg
from django.db import connection

logger = logging.getLogger(__name__)

CHANNEL = "anpr_configuration"
# A silent connection may be a dead one: so often it must answer, and so long an answer is believed.
# Together they keep the promise that a revoked key is dead within 5 s, whatever breaks.
PROBE_S = 1.5
BELIEVED_S = 4.0
RETRY_S = 1.0


class ConfigurationChanges:
    """A number that grows with each change, as long as the listener is known to hear."""

    def __init__(self) -> None:
        self._revision = 0
        self._believed_until = float("-inf")
        self._started_by: int | None = None
        self._lock = threading.Lock()
        self._listener: psycopg.Connection | None = None
        self._thread: threading.Thread | None = None
        self._stopped = False

    def revision(self) -> int | None:
        """Return the number, or None when changes would go unheard."""
        if self._started_by != os.getpid():
            self._start()
        return self._revision if time.monotonic() < self._believed_until else None

    def stop(self) -> None:
        """Listen no more; for tests, whose database is dropped at the end."""
        self._stopped = True
        if self._listener is not None:
            self._listener.close()
        if self._thread is not None:
            self._thread.join()

    def _start(self) -> None:
        """Start listening, once in each process: a thread does not survive a fork."""
        with self._lock:
            if self._started_by == os.getpid():
                return
            self._started_by = os.getpid()
            self._believed_until = float("-inf")
            if connection.vendor != "postgresql":
                return
            parameters = connection.get_connection_params()
            self._thread = threading.Thread(
                target=self._run, args=(parameters,), name="changes", daemon=True
            )
            self._thread.start()

    def _run(self, parameters: dict[str, object]) -> None:
        wanted = ("host", "port", "user", "password", "dbname", "connect_timeout")
        arguments = {name: value for name, value in parameters.items() if name in wanted}
        while not self._stopped:
            try:
                with psycopg.connect(**arguments, autocommit=True) as listener:  # type: ignore[arg-type]
                    self._listen(listener)
            except psycopg.Error as error:
                logger.warning("changes unheard", extra={"reason": type(error).__name__})
            finally:
                self._believed_until = float("-inf")
            if not self._stopped:
                time.sleep(RETRY_S)

    def _listen(self, listener: psycopg.Connection) -> None:
        self._listener = listener
        listener.execute(f"LISTEN {CHANNEL}")
        # What changed while nobody listened is unknown.
        self._revision += 1
        while not self._stopped:
            asked_at = time.monotonic()
            # What was told before this answer has been received with it.
            listener.execute("SELECT 1")
            for _ in listener.notifies(timeout=0):
                self._revision += 1
            self._believed_until = asked_at + BELIEVED_S
            for _ in listener.notifies(timeout=PROBE_S):
                self._revision += 1


changes = ConfigurationChanges()
