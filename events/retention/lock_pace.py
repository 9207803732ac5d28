"""How many rows a transaction deletes: as many as keep the dispatcher's lock for a moment only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from events.models import StreamHead

# Two may be waited for, the busy disk's COMMIT included, and it is still less than a second.
AIM_S = 0.2
FIRST = 100
# What a transaction costs without any row does not shrink: fewer rows would only make more of them.
LEAST = 50


class LockPace:
    """Fewer rows at a time where the machine is busy or the rows touch much; more where not."""

    def __init__(self, most: int, first: int = FIRST, least: int = LEAST) -> None:
        self.most, self.rows, self.least = most, min(first, most), min(least, most)

    @contextmanager
    def transaction(self) -> Iterator[int]:
        """Hold the lock, which all take who write counts, deliveries and known plates; note how long.

        The caller deletes at most as many rows as it is given.
        """
        with transaction.atomic():
            StreamHead.objects.select_for_update().first()
            begun = time.monotonic()
            yield self.rows
        self.follow(time.monotonic() - begun)

    def follow(self, took_s: float) -> None:
        """Aim at the span next time; growing slowly, for the next rows may touch more."""
        factor = min(1.5, AIM_S / max(took_s, 0.001))
        self.rows = min(self.most, max(self.least, int(self.rows * factor + 0.5)))
