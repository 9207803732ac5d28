"""Messages under way: whoever takes one out reports it, so that each is reported exactly once."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from exporters.transports.base import Done, Message, Outcome, TransportError

logger = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Flight:
    """One message from start() to its outcome."""

    message: Message
    done: Done
    deadline: float
    # How often the connection broke while it was under way, and how often it was alone then.
    breaks: int = 0
    breaks_alone: int = 0


class Flights:
    """Everything that has no outcome yet, the oldest first; safe to use from any thread."""

    def __init__(self) -> None:
        self._open: dict[Flight, None] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, flight: Flight) -> bool:
        return flight in self._open

    def add(self, flight: Flight) -> None:
        with self._lock:
            self._open[flight] = None

    def settle(self, flight: Flight, outcome: Outcome) -> None:
        """Report the outcome, unless the message has one already."""
        with self._lock:
            if flight not in self._open:
                return
            del self._open[flight]
        try:
            flight.done(outcome)
        except Exception:  # a bug up there must not end the thread that serves all the others
            logger.exception("an outcome could not be recorded")

    def settle_all(self, error: TransportError) -> None:
        with self._lock:
            flights = list(self._open)
        for flight in flights:
            self.settle(flight, error)

    def overdue(self, now: float) -> list[Flight]:
        """Return those past their deadline; all wait equally long, so they are the first ones."""
        with self._lock:
            late = []
            for flight in self._open:
                if flight.deadline > now:
                    break
                late.append(flight)
        return late

    def next_deadline(self) -> float | None:
        with self._lock:
            first = next(iter(self._open), None)
        return first.deadline if first is not None else None
