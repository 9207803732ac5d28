"""Writes down what became of a lane's attempts, while the lane goes on claiming and sending."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

from django.db import connection

from exporters.configuration import Settings
from exporters.delivery import Sent, record
from exporters.models import ExporterConfig

logger = logging.getLogger(__name__)

# Outcomes are written together: what arrives within this time after another shares its commit.
GATHER_S = 0.005
# So many are not worth a commit of their own while others are still under way.
FEW = 64
AFTER_FAILURE_S = 1.0


class Recorder(threading.Thread):
    """Keeps outcomes until the database has them, and rings each time when it has."""

    def __init__(
        self, exporter: ExporterConfig, settings: Settings, ring: Callable[[], None]
    ) -> None:
        super().__init__(name=f"recorder-{exporter.pk}", daemon=True)
        self._exporter, self._settings, self._ring = exporter, settings, ring
        # The other half of a large window is under way meanwhile.
        self._most = max(FEW, settings.transport.max_in_flight // 2)
        # None ends the thread.
        self._ended: SimpleQueue[Sent | None] = SimpleQueue()
        self._unrecorded: list[Sent] = []
        # Each is counted by one thread alone.
        self._begun = self._recorded = 0

    @property
    def under_way(self) -> int:
        """How many attempts have begun and are not written down."""
        return self._begun - self._recorded

    def begin(self) -> None:
        self._begun += 1

    def end(self, sent: Sent) -> None:
        """Take an outcome; from any thread."""
        self._ended.put(sent)

    def stop(self) -> None:
        """End the thread, when nothing is under way any more."""
        self._ended.put(None)

    def run(self) -> None:
        while self._gather():
            if not self._write_down():
                time.sleep(AFTER_FAILURE_S)

    def _write_down(self) -> bool:
        try:
            record(self._exporter, self._settings, self._unrecorded)
        except Exception:
            # The database, most likely. What is not recorded waits here.
            logger.exception("not recorded, again", extra={"exporter": self._exporter.pk})
            return False
        finally:
            # Back to the pool: there may be more lanes than connections.
            connection.close()
        self._recorded += len(self._unrecorded)
        self._unrecorded = []
        self._ring()
        return True

    def _gather(self) -> bool:
        """Wait for outcomes; False when there will be no more."""
        if not self._unrecorded:
            first = self._ended.get()
            if first is None:
                return False
            self._unrecorded.append(first)
        ended, gathered = self._ended, self._unrecorded
        with suppress(Empty):
            while len(gathered) < min(self._most, self.under_way):
                one = ended.get(timeout=GATHER_S)
                if one is not None:
                    gathered.append(one)
        return True
