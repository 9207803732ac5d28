"""One thread for one exporter: claims and sends. A slow sink holds up its own lane only."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime

from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from exporters import metrics, payload
from exporters.configuration import read
from exporters.delivery import OPEN_AFTER, Claimed, Sent, claim_due
from exporters.models import ExporterConfig
from exporters.network import Network
from exporters.recorder import AFTER_FAILURE_S, Recorder
from exporters.transports import Outcome, TransportError

logger = logging.getLogger(__name__)

# How often a lane looks for retries that came due and for what other workers fanned out.
LOOK_S = 0.5


class Lane(threading.Thread):
    """Keeps the deliveries of one exporter moving until stop(); survives database failures."""

    def __init__(self, exporter: ExporterConfig) -> None:
        super().__init__(name=f"lane-{exporter.pk}", daemon=True)
        self.exporter = exporter
        self.settings = read(exporter)
        self._transport = self.settings.transport(
            config=self.settings.config,
            auth=self.settings.auth,
            timeout_s=self.settings.retry.timeout_s,
            network=Network(django_settings.EXPORT_ALLOW_NETWORKS),
        )
        # Looked up once; and so both are there, at zero, before the first attempt.
        self._count_delivered = metrics.ATTEMPTS.labels(exporter.name, "delivered")
        self._count_failed = metrics.ATTEMPTS.labels(exporter.name, "failed")
        self._seconds = metrics.SECONDS.labels(exporter.name)
        self._rung = threading.Event()
        self._recorder = Recorder(exporter, self.settings, self.wake)
        self._stopping = threading.Event()

    def wake(self) -> None:
        """Say that there may be something due."""
        self._rung.set()

    def stop(self) -> None:
        """Ask the lane to claim nothing more and to end when what is under way has ended."""
        self._stopping.set()
        self.wake()

    def run(self) -> None:
        self._recorder.start()
        while not self._stopping.is_set() or self._recorder.under_way:
            self._rung.wait(LOOK_S)
            self._rung.clear()
            try:
                self._turn()
            except Exception:
                # The database, most likely. What was claimed is due again when its lease runs out.
                logger.exception("lane failed, trying again", extra={"exporter": self.exporter.pk})
                connection.close()
                time.sleep(AFTER_FAILURE_S)
        self._recorder.stop()
        self._recorder.join()
        self._transport.close()
        connection.close()

    def _turn(self) -> None:
        room = 0 if self._stopping.is_set() else self._room()
        claimed = claim_due(self.exporter, self.settings, room) if room else []
        # Back to the pool: there may be more lanes than connections.
        connection.close()
        # Asked for each message, both would cost as much as its JSON.
        base_url, now = django_settings.PUBLIC_URL, timezone.now()
        for delivery in claimed:
            self._send(delivery, base_url, now)

    def _room(self) -> int:
        """How many more may be claimed now."""
        if not self.exporter.enabled:
            return 0  # its sink is gone; this lane is ended when its row is looked at again
        paused_until = self.exporter.paused_until
        if paused_until is not None and timezone.now() < paused_until:
            return 0
        if self.exporter.failures >= OPEN_AFTER:
            return 0 if self._recorder.under_way else 1  # a probe
        free = self._transport.max_in_flight - self._recorder.under_way
        # A claim costs the same for one as for many: wait until a part of the window is free.
        return free if free * 4 >= self._transport.max_in_flight else 0

    def _send(self, delivery: Claimed, base_url: str, now: datetime) -> None:
        started_at, started = datetime.now(UTC), time.perf_counter()
        self._recorder.begin()

        def done(outcome: Outcome) -> None:
            self._done(delivery, outcome, started_at, time.perf_counter() - started)

        try:
            self._transport.start(payload.message(delivery.event, base_url, now), done)
        except Exception as error:
            logger.exception("message could not be sent", extra={"delivery": delivery.pk})
            done(TransportError(f"internal {type(error).__name__}"))

    def _done(
        self, delivery: Claimed, outcome: Outcome, started_at: datetime, seconds: float
    ) -> None:
        is_failure = isinstance(outcome, TransportError)
        (self._count_failed if is_failure else self._count_delivered).inc()
        self._seconds.observe(seconds)
        self._recorder.end(Sent(delivery, outcome, started_at, seconds * 1000))
