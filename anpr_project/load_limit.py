"""What of too many requests is turned away at once, so that the rest is served in time.

Without a limit each request waits behind all others: at five times what the machine can do, every
answer comes too late for its sensor, which sends it again. A 503 in a millisecond, with a time to
come back, costs next to nothing and loses nothing.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import deque
from functools import cache

from django.template.loader import render_to_string
from prometheus_client import Counter

from anpr_project.lib.content_policy import HEADERS
from anpr_project.lib.errors import body
from anpr_project.lib.json_format import encode

logger = logging.getLogger(__name__)

# What monitoring asks has places of its own: it has to be answered just then.
HEALTH = frozenset({"/liveness", "/ready", "/health", "/metrics"})
HEALTH_PLACES, HEALTH_SEATS = 2, 2
# A quarter of a second of a core's events: many sensors may send at the same moment. Who would come
# later than that is better told at once.
SEATS = 64
PATIENCE_S = 1.0
RETRY_AFTER_S = (2, 10)
TELL_EVERY_S = 10.0

CONTENT = encode(body("overloaded", "There is more to do than can be done. Try again later."))
SHED = Counter("anpr_requests_shed_total", "Requests answered 503 because there were too many.")


class Room:
    """So many requests in work, and so many seats to wait for a moment."""

    def __init__(self, places: int, seats: int) -> None:
        self.seats = seats
        self._free = places
        self._waiting: deque[threading.Lock] = deque()
        self._lock = threading.Lock()

    def enter(self) -> bool:
        """Take a place, waiting for it if there is a seat; False when there was none in time."""
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            if len(self._waiting) >= self.seats:
                return False
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        return turn.acquire(timeout=PATIENCE_S) or self._was_given(turn)

    def _was_given(self, turn: threading.Lock) -> bool:
        """Give up the seat, unless the place came in that very moment."""
        with self._lock:
            if turn not in self._waiting:
                return True
            self._waiting.remove(turn)
            return False

    def leave(self) -> None:
        """Hand the place to who has waited longest: a newcomer cannot take it away from them."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1


class Tally:
    """Counts what is turned away, and says so in the log now and then."""

    def __init__(self) -> None:
        self._untold = 0
        self._told_at = -TELL_EVERY_S

    def add(self) -> None:
        SHED.inc()
        # Two threads may both tell, or one more be counted with the next line: no harm.
        self._untold += 1
        now = time.monotonic()
        if now - self._told_at >= TELL_EVERY_S:
            self._told_at, untold, self._untold = now, self._untold, 0
            logger.warning("requests turned away", extra={"requests": untold})


tally = Tally()


def refusal(path: str, accept: str, *, close: bool) -> tuple[list[tuple[str, str]], bytes]:
    """Headers and content; the time to come back differs, or all would come at the same moment."""
    seconds = str(random.randint(*RETRY_AFTER_S))  # noqa: S311 - no secret
    if "text/html" in accept and not path.startswith("/api/"):
        content, kind = page(), [("Content-Type", "text/html; charset=utf-8"), ("Refresh", seconds)]
    else:
        content, kind = CONTENT, [("Content-Type", "application/json")]
    return [
        *kind,
        ("Content-Length", str(len(content))),
        ("Retry-After", seconds),
        *([("Connection", "close")] if close else []),
        *HEADERS.items(),
    ], content


@cache
def page() -> bytes:
    """Return what a person sees; made once, for it is needed when time is short."""
    return render_to_string("503.html").encode()
