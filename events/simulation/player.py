"""Plays the area's traffic, past and live, on its sensors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice, takewhile
from random import Random
from threading import Event
from typing import Any

from django.utils import timezone

from events.simulation.area import Installed
from events.simulation.sensor import BATCH, Sensor, Tally
from events.simulation.traffic import Fleet, arrivals

HISTORY_EVENTS = 4000


class Road:
    """All the area's traffic: vehicles arrive, pass a post, and its sensor sees them."""

    def __init__(self, url: str, posts: Sequence[Installed], stop: Event) -> None:
        self.random = Random()  # noqa: S311 - traffic, not secrets
        self.tally, self.stop = Tally(), stop
        self.fleet = Fleet(self.random)
        self.sensors = [Sensor(url, installed, self.tally, stop) for installed in posts]
        self.shares = [installed.post.share for installed in posts]

    def _somewhere(self) -> Sensor:
        return self.random.choices(self.sensors, self.shares)[0]

    def recall(self, hours: float, now: datetime) -> None:
        """Fill in the past `hours` with some thousands of events."""
        start = now - timedelta(hours=hours)
        rate = HISTORY_EVENTS / (hours * 3600)
        waiting: dict[Sensor, list[dict[str, Any]]] = {}
        for moment in takewhile(
            lambda at: at < now and not self.stop.is_set(), arrivals(self.random, start, rate)
        ):
            sensor = self._somewhere()
            events = waiting.setdefault(sensor, [])
            events.append(sensor.past_event(self.fleet.next_vehicle(), moment))
            if len(events) == BATCH:
                sensor.remember(waiting.pop(sensor))
        for sensor, events in waiting.items():
            sensor.remember(events)

    def play(self, rate: float, *, until: datetime | None, count: int | None) -> None:
        """Play live traffic until the time, the number of vehicles, or `stop`."""
        for sensor in self.sensors:
            sensor.thread.start()
        coming = islice(arrivals(self.random, timezone.localtime(), rate), count)
        for moment in coming:
            if until is not None and moment >= until:
                self._wait_for(until)
                break
            if not self._wait_for(moment):
                break
            self._somewhere().passing.put(self.fleet.next_vehicle())
        for sensor in self.sensors:
            sensor.passing.put(None)
        for sensor in self.sensors:
            sensor.thread.join()

    def _wait_for(self, moment: datetime) -> bool:
        """Wait for the moment; False when the player was stopped before."""
        return not self.stop.wait(max(0.0, (moment - timezone.localtime()).total_seconds()))
