"""One reader of new events for all stream connections of a process.

The doorbell wakes it; it reads the new rows once, encodes each once, and hands the frames to the
connections whose filter matches. A look each second stands behind the doorbell.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer

from events import metrics
from events.filters import EventFilter
from events.models import EventReceipt, PlateEvent, StreamHead
from events.stream.doorbell import GROUP
from events.stream.frames import Burst, bursts_of, frame_of

logger = logging.getLogger(__name__)

PAGE = 500
POLL_S = 1.0
CLOSE_S = 0.02


class Listener(Protocol):
    """A connection that has caught up and now wants every new event of its filter."""

    filter: EventFilter

    def push(self, burst: Burst) -> bool:
        """Take it, never wait; return whether it is written already."""


def read_after(
    position: int, up_to: int | None, wanted: EventFilter
) -> tuple[list[PlateEvent], int]:
    """Return the wanted of the next page of positioned events, in order, and how far it reaches."""
    rows = EventReceipt.objects.filter(position__gt=position).order_by("position")
    if up_to is not None:
        rows = rows.filter(position__lte=up_to)
    receipts = list(rows[:PAGE])
    events = wanted.apply(PlateEvent.objects.with_parts()).of(receipts)
    if up_to is not None and len(receipts) < PAGE:
        return events, up_to
    return events, (receipts[-1].position if receipts else None) or position


class Hub:
    """Feeds the listeners of one event loop; runs while there is at least one."""

    def __init__(self) -> None:
        self.head = 0
        # By filter: a thousand viewers ask for few different things.
        self._listeners: dict[EventFilter, set[Listener]] = {}
        self._users = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._bell = asyncio.Event()
        self._starting = asyncio.Lock()

    async def enter(self) -> None:
        """Keep the hub running until leave(); afterwards `head` is known."""
        async with self._starting:
            if not self._tasks:
                self.head = await database_sync_to_async(
                    StreamHead.current, thread_sensitive=False
                )()
                self._tasks = [
                    asyncio.create_task(self._listen()),
                    asyncio.create_task(self._read()),
                ]
            self._users += 1

    def leave(self) -> None:
        self._users -= 1
        if self._users == 0:
            for task in self._tasks:
                task.cancel()
            self._tasks = []

    async def reach(self, position: int) -> None:
        """Come level with a process that told a client more than this one has read so far.

        A position that nobody has given out yet is nothing to wait for.
        """
        known = await database_sync_to_async(StreamHead.current, thread_sensitive=False)()
        while self.head < min(position, known):
            self._bell.set()
            await asyncio.sleep(CLOSE_S)

    def add(self, listener: Listener) -> None:
        self._listeners.setdefault(listener.filter, set()).add(listener)

    def remove(self, listener: Listener) -> None:
        alike = self._listeners.get(listener.filter, set())
        alike.discard(listener)
        if not alike:
            self._listeners.pop(listener.filter, None)

    async def _listen(self) -> None:
        """Turn the layer's messages into the bell; a broken layer is tried again each second."""
        layer = get_channel_layer()
        assert layer is not None  # noqa: S101 - settings always define one
        while True:
            try:
                channel = await layer.new_channel()
                await layer.group_add(GROUP, channel)
                while True:
                    await layer.receive(channel)
                    self._bell.set()
            except Exception as error:  # whatever broke, the poll goes on without it
                logger.warning("doorbell unheard", extra={"reason": type(error).__name__})
                await asyncio.sleep(POLL_S)

    async def _read(self) -> None:
        while True:
            try:
                async with asyncio.timeout(POLL_S):
                    await self._bell.wait()
            except TimeoutError:
                pass
            self._bell.clear()
            try:
                await self._feed()
            except Exception:
                logger.exception("stream read failed, trying again")
                await asyncio.sleep(POLL_S)

    async def _feed(self) -> None:
        """Hand on all that is new. Between the read and the last push nothing else may run."""
        while True:
            before = self.head
            events, reached = await database_sync_to_async(read_after, thread_sensitive=False)(
                before, None, EventFilter()
            )
            made = self._bursts(events)
            self.head = reached
            for listeners, bursts in made:
                for burst in bursts:
                    written = sum([listener.push(burst) for listener in listeners])
                    metrics.STREAM_SENT.inc(written * len(burst.frames))
            if reached - before < PAGE:
                return

    def _bursts(
        self, events: Sequence[PlateEvent]
    ) -> list[tuple[tuple[Listener, ...], list[Burst]]]:
        """Return who wants what of the events."""
        made = [(event, frame_of(event)) for event in events]
        return [
            (tuple(alike), bursts_of(frame for event, frame in made if wanted.matches(event)))
            for wanted, alike in self._listeners.items()
        ]


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    """Return the hub of the running event loop."""
    loop = asyncio.get_running_loop()
    for known in [known for known in _hubs if known.is_closed()]:
        del _hubs[known]
    return _hubs.setdefault(loop, Hub())
