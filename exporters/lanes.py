"""The lanes of a worker: one for each enabled exporter, renewed when its configuration changes."""

from __future__ import annotations

import logging
import time

from exporters.configuration import InvalidConfiguration
from exporters.lane import Lane
from exporters.models import ExporterConfig

logger = logging.getLogger(__name__)

TEND_S = 1.0


class Lanes:
    def __init__(self) -> None:
        self._lanes: dict[int, Lane] = {}
        # Replaced or disabled; they end by themselves when what is under way has ended.
        self._ending: list[Lane] = []
        self._tended_at = float("-inf")

    def wake(self) -> None:
        for lane in self._lanes.values():
            lane.wake()

    def tend(self) -> None:
        """Start, renew and end lanes as the exporters' rows say; asks at most once a second."""
        if time.monotonic() - self._tended_at < TEND_S:
            return
        self._tended_at = time.monotonic()
        exporters = {row.pk: row for row in ExporterConfig.objects.filter(enabled=True)}
        for pk, lane in list(self._lanes.items()):
            row = exporters.get(pk)
            if row is None or row.updated_at != lane.exporter.updated_at or not lane.is_alive():
                lane.stop()
                self._ending.append(self._lanes.pop(pk))
            else:
                # Another worker, or a person, may have changed the circuit's state.
                lane.exporter.failures = row.failures
                lane.exporter.paused_until = row.paused_until
        self._ending = [lane for lane in self._ending if lane.is_alive()]
        for pk, row in exporters.items():
            if pk not in self._lanes:
                self._start(row)

    def _start(self, exporter: ExporterConfig) -> None:
        try:
            lane = Lane(exporter)
        except InvalidConfiguration:
            logger.exception("exporter cannot be started", extra={"exporter": exporter.pk})
            return
        self._lanes[exporter.pk] = lane
        lane.start()

    def stop(self, seconds: float) -> None:
        """End all lanes; wait up to `seconds` for what is under way. What is not done by then is
        sent again when its lease has run out."""
        lanes = [*self._lanes.values(), *self._ending]
        for lane in lanes:
            lane.stop()
        deadline = time.monotonic() + seconds
        for lane in lanes:
            lane.join(max(0.0, deadline - time.monotonic()))
        self._lanes, self._ending = {}, []
