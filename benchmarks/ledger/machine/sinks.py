"""The model of one exporter: who is asked when, what an answer means, when it is given up.

As docs/exporters.md says it. One message at a time, so that what happens has one order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ledger.machine.known import Answer, Delivery, Event, Retry, Wanted

OPEN_AFTER = 5
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 60.0
LONGEST_RETRY_AFTER_S = 3600.0
WELL = Answer()


@dataclass(eq=False)
class Exporter:
    id: int
    name: str
    wanted: Wanted
    retry: Retry
    ordered: bool
    answer: Answer = WELL
    # The next answers, each given once.
    once: list[Answer] = field(default_factory=list)
    enabled: bool = True
    failures: int = 0
    paused_until: datetime | None = None
    failing_since: datetime | None = None
    failing_steadily: bool = False
    # In the order in which they were made.
    deliveries: list[Delivery] = field(default_factory=list)
    asked: list[Event] = field(default_factory=list)

    def pending(self) -> list[Delivery]:
        return [one for one in self.deliveries if one.state == "pending"]

    def add(self, events: Iterable[Event], now: datetime) -> int:
        new = [Delivery(event, now, now, now) for event in events]
        self.deliveries += new
        return len(new)

    def renew(self) -> None:
        self.failures, self.paused_until = 0, None
        self._succeed()

    def _succeed(self) -> None:
        self.failing_since, self.failing_steadily = None, False

    def again(self, chosen: Iterable[Delivery], now: datetime) -> int:
        found = list(chosen)
        for one in found:
            one.state, one.attempts, one.has_failed = "pending", 0, False
            one.created_at = one.earliest = one.latest = now
        return len(found)

    def _due(self, now: datetime) -> list[Delivery]:
        waiting = self.pending()
        if self.ordered:
            first = {one.event.camera: one for one in reversed(waiting)}
            waiting = [one for one in waiting if first[one.event.camera] is one]
        return sorted(
            (one for one in waiting if one.due_at <= now),
            key=lambda one: (one.due_at, self.deliveries.index(one)),
        )

    def _next(self, now: datetime) -> Delivery | None:
        is_paused = self.paused_until is not None and now < self.paused_until
        if not self.enabled or is_paused:
            return None
        due = self._due(now)
        if self.failures >= OPEN_AFTER:
            fresh = [one for one in due if not one.has_failed]
            due = sorted(fresh, key=self.deliveries.index, reverse=True) or due
        return due[0] if due else None

    def deliver(self, now: datetime) -> None:
        """Everything that is due is tried, as long as the sink lets it."""
        while (one := self._next(now)) is not None:
            self.asked.append(one.event)
            one.tries += 1
            one.first_try_at = one.first_try_at or now
            self._hear(one, self.once.pop(0) if self.once else self.answer, now)

    def _hear(self, one: Delivery, answer: Answer, now: datetime) -> None:
        if answer.is_ok:
            one.state, one.has_failed = "delivered", False
            one.attempts += 1
            if self.failures >= OPEN_AFTER:
                self.paused_until = None
            self.failures = 0
            self._succeed()
            return
        was_open = self.failures >= OPEN_AFTER
        # In order there may be nothing else to try than what has failed before.
        is_spared = was_open or (self.ordered and self.failures > 0)
        if answer.blames_sink and (was_open or self.ordered or not one.has_failed):
            self.failures += 1
        spares = answer.retry_after is not None or answer.is_gone
        self._fail(one, answer, now, burns=not spares and not (answer.blames_sink and is_spared))
        self._pause(answer, now)
        self.enabled = self.enabled and not answer.is_gone and not self._is_hopeless(now)

    def _is_hopeless(self, now: datetime) -> bool:
        """Count one more failure; whether all failed for five days."""
        since = self.failing_since or now
        if now - since > timedelta(hours=24) and not self.failing_steadily:
            since = now
        self.failing_since = since
        self.failing_steadily = self.failing_steadily or now - since >= timedelta(hours=12)
        return self.failing_steadily and now - since >= timedelta(hours=120)

    def _fail(self, one: Delivery, answer: Answer, now: datetime, *, burns: bool) -> None:
        one.attempts += burns
        one.has_failed = True
        if max(one.attempts, 1) >= self.retry.most or self._is_overdue(one, now):
            one.state = "dead"
            return
        delay = self.retry.delays[max(one.attempts, 1) - 1]
        wished = min(answer.retry_after or 0, LONGEST_RETRY_AFTER_S)
        least, most = delay * (1 - self.retry.jitter), delay * (1 + self.retry.jitter)
        if answer.is_gone:
            least = most = 0
        one.earliest = now + timedelta(seconds=max(least, wished))
        one.latest = now + timedelta(seconds=max(most, wished))

    def _is_overdue(self, one: Delivery, now: datetime) -> bool:
        span = timedelta(seconds=self.retry.span_s)
        first = one.first_try_at
        return now - one.created_at > span and first is not None and now - first > span

    def _pause(self, answer: Answer, now: datetime) -> None:
        pause = min(answer.retry_after or 0, LONGEST_RETRY_AFTER_S)
        if self.failures >= OPEN_AFTER:
            opened = FIRST_PAUSE_S * 2 ** (self.failures - OPEN_AFTER)
            pause = max(pause, min(opened, LONGEST_PAUSE_S))
        if pause:
            self.paused_until = now + timedelta(seconds=pause)

    def forget(self, gone: set[Event]) -> None:
        self.deliveries = [one for one in self.deliveries if one.event not in gone]
