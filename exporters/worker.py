"""The worker's loop: dispatch and fan out what was committed, keep the lanes, ring the doorbell."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from audit.chain import seal_entries
from events.partitions import make_ahead
from events.pictures.orphans import sweep_orphans
from events.retention.deletion import expire
from events.retention.expired_pictures import ExpiredPictures
from events.stream.dispatch import BATCH, dispatch
from evidence.heads import keep_head
from exporters.delivery import fan_out
from exporters.lanes import Lanes
from exporters.models import WorkerHeartbeat

logger = logging.getLogger(__name__)

# How long a committed event may wait for the next look. The look is one probe of an index that is
# empty but for the events of the last moments.
PAUSE_S = 0.05
# A look costs about as much for a hundred events as for one: so many seconds for each that it found
# are waited, within bounds. From 250 events a second on the looks get rarer.
PAUSE_OF_EACH_S = 0.004
LONGEST_PAUSE_S = 0.2
AFTER_FAILURE_S = 1.0
HEARTBEAT_S = 5.0
SEAL_S = 1.0
# What is cut off the audit log sooner than this leaves no trace outside of it.
HEAD_S = 300.0
TIDY_S = 3600.0
SWEPT = timedelta(days=2)
# A stop has 25 s in all, of which this much is for what the lanes have under way.
DRAIN_S = 20.0


class Worker:
    """Runs until stopped; `ring` tells the stream servers of a new head and may do nothing."""

    def __init__(self, ring: Callable[[int], None]) -> None:
        self._ring = ring
        # Not an Event: its lock may be held by the very thread in which a signal is handled.
        self._is_stopping = False
        self._beat_at = self._sealed_at = self._noted_at = float("-inf")
        self._has_new_head = False
        self._head = 0
        self._tidy_at = time.monotonic()
        self._expiring: Iterator[int] | None = None
        self._pictures = ExpiredPictures()
        self._lanes = Lanes()
        self.name = f"{socket.gethostname()}-{os.getpid()}"

    def stop(self) -> None:
        """Ask the loop to end after what it is doing; safe from a signal handler."""
        self._is_stopping = True

    def run_forever(self) -> None:
        """Work until stop() is called; no failure ends the loop."""
        while not self._is_stopping:
            time.sleep(self._turn())
        self._lanes.stop(DRAIN_S)
        connection.close()

    def _turn(self) -> float:
        """Do one round; return how long to wait before the next."""
        try:
            self._beat()
            self._lanes.tend()
            head = dispatch(fan_out)
            if head is None:
                self._tidy()
        except Exception:
            # The database went away, most likely; the events wait in it, and so do we.
            logger.exception("dispatch failed, trying again")
            connection.close()
            return AFTER_FAILURE_S
        if head is None:
            return PAUSE_S
        self._lanes.wake()
        self._ring(head)
        found, self._head = head - self._head, head
        if found >= BATCH:
            return 0
        return min(max(PAUSE_S, found * PAUSE_OF_EACH_S), LONGEST_PAUSE_S)

    def _beat(self) -> None:
        now = time.monotonic()
        if now - self._beat_at >= HEARTBEAT_S:
            self._beat_at = now
            WorkerHeartbeat.beat(name=self.name, pid=os.getpid())
        if now - self._sealed_at >= SEAL_S:
            self._sealed_at = now
            self._has_new_head = seal_entries() > 0 or self._has_new_head
        if self._has_new_head and now - self._noted_at >= HEAD_S:
            self._noted_at, self._has_new_head = now, False
            keep_head()

    def _tidy(self) -> None:
        """Make months ahead, delete what is past its retention: one step a round, so that new events
        wait no longer for it.
        """
        if time.monotonic() < self._tidy_at:
            return
        if self._expiring is None:
            make_ahead()
            self._expiring = expire(pictures=self._pictures)
        if next(self._expiring, None) is not None:
            return
        self._expiring = None
        sweep_orphans(since=timezone.now() - SWEPT)
        self._tidy_at = time.monotonic() + TIDY_S
