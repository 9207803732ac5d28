"""When to try again: pure arithmetic, no clock and no database."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

# Standard Webhooks 1.0 (standardwebhooks.com, "Deliverability and reliability"), seconds between
# attempts: at once, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h; three days in all.
STANDARD_S = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
USUAL_JITTER = 0.2
# A sink that refuses at once must not be asked in a tight loop.
SHORTEST_S = 0.05


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Without `base_delay_s` the standard schedule; with it, doubling delays up to `max_delay_s`."""

    max_attempts: Annotated[int, Meta(ge=1, le=100)] = len(STANDARD_S) + 1
    base_delay_s: Annotated[float, Meta(ge=0, le=86_400)] | None = None
    max_delay_s: Annotated[float, Meta(ge=0, le=604_800)] = 86_400
    # Spreads each delay by this share either way, so that a thousand failures do not return as
    # one; true is 20 %.
    jitter: bool | Annotated[float, Meta(ge=0, le=1)] = True
    timeout_s: Annotated[float, Meta(ge=0.5, le=60)] = 15

    def _delay_s(self, attempts: int) -> float:
        if self.base_delay_s is None:
            delay: float = STANDARD_S[min(attempts, len(STANDARD_S)) - 1]
        else:
            delay = self.base_delay_s * 2 ** min(attempts - 1, 40)
        return min(delay, self.max_delay_s)

    def next_delay(self, attempts: int, chance: random.Random) -> timedelta | None:
        """Return how long to wait after `attempts` failed ones; None: give up."""
        if attempts >= self.max_attempts:
            return None
        delay = self._delay_s(attempts)
        delay *= 1 + self._spread * chance.uniform(-1, 1)
        return timedelta(seconds=max(delay, SHORTEST_S))

    @property
    def _spread(self) -> float:
        return USUAL_JITTER if self.jitter is True else float(self.jitter)

    @property
    def span(self) -> timedelta:
        """How long a message is worth trying: all delays together, with the jitter's most."""
        delays = sum(self._delay_s(attempt) for attempt in range(1, self.max_attempts))
        return timedelta(seconds=delays * (1 + self._spread) + self.timeout_s * self.max_attempts)
