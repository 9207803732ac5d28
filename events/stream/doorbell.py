"""The doorbell between the dispatcher and the stream servers: a hint that may be lost.

A message holds only the new head. The Channels layer may drop messages by its specification; the
rows in the database are the truth, and each stream server looks for them every second anyway.
"""

from __future__ import annotations

import asyncio
import logging
import time

from channels.layers import get_channel_layer

logger = logging.getLogger(__name__)

GROUP = "events"
TIMEOUT_S = 0.5
PAUSE_AFTER_FAILURE_S = 5.0


async def ring(head: int) -> None:
    layer = get_channel_layer()
    assert layer is not None  # noqa: S101 - settings always define one
    await layer.group_send(GROUP, {"type": "doorbell", "head": head})


class Doorbell:
    """Rings from a thread of its own process; a dead Redis costs it half a second now and then."""

    def __init__(self) -> None:
        self._silent_until = 0.0
        self._runner = asyncio.Runner()

    def close(self) -> None:
        """Ring no more, and let the event loop go."""
        self._runner.close()

    def __call__(self, head: int) -> None:
        if time.monotonic() < self._silent_until:
            return
        try:
            self._runner.run(asyncio.wait_for(ring(head), TIMEOUT_S))
        except Exception as error:  # whatever broke, the poll behind it goes on
            self._silent_until = time.monotonic() + PAUSE_AFTER_FAILURE_S
            logger.warning("doorbell failed", extra={"reason": type(error).__name__})
