"""The load limit of the embedded shape: what waits there needs no thread."""

from __future__ import annotations

import asyncio
from collections import deque

from anpr_project.body_limit import Application, Message, Receive, Send, answer_early
from anpr_project.load_limit import (
    HEALTH,
    HEALTH_PLACES,
    HEALTH_SEATS,
    PATIENCE_S,
    SEATS,
    refusal,
    tally,
)


class AsyncRoom:
    """So many requests in work, and so many seats, for one event loop."""

    def __init__(self, places: int, seats: int) -> None:
        self.seats = seats
        self._free = places
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> bool:
        if self._free:
            self._free -= 1
            return True
        if len(self._waiting) >= self.seats:
            return False
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await turn
        except TimeoutError:
            self._give_up(turn)
            return False
        except asyncio.CancelledError:
            self._give_up(turn)
            raise
        return True

    def _give_up(self, turn: asyncio.Future[None]) -> None:
        if turn in self._waiting:
            self._waiting.remove(turn)
        elif turn.done() and not turn.cancelled():
            self.leave()

    def leave(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class AsyncLoadLimit:
    """ASGI middleware; each request has a thread of its own here, and SQLite one writer."""

    def __init__(self, application: Application, places: int) -> None:
        self.application = application
        self.room = AsyncRoom(places, SEATS)
        self.health = AsyncRoom(HEALTH_PLACES, HEALTH_SEATS)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        room = self.health if scope["path"] in HEALTH else self.room
        if not await room.enter():
            tally.add()
            accept = dict(scope["headers"]).get(b"accept", b"").decode("latin-1")
            headers, content = refusal(scope["path"], accept, close=True)
            await answer_early(receive, send, 503, headers, content)
            return
        try:
            await self.application(scope, receive, send)
        finally:
            room.leave()
