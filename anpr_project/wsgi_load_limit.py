"""The load limit of the production shape, in front of everything that costs something."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from anpr_project.load_limit import (
    HEALTH,
    HEALTH_PLACES,
    HEALTH_SEATS,
    SEATS,
    Room,
    refusal,
    tally,
)

# A client whose body is left unread may see a reset in place of the answer: bodies up to this are
# read and dropped, and there are no more readers than that, for a slow client keeps its one.
DRAIN_BYTES = 2 * 1024 * 1024
DRAINERS = 8
# With all readers taken, granian drops a body of this size itself, and keeps the connection; if some
# of it has not arrived yet, it closes it after the answer.
LEFT_BYTES = 32 * 1024
PIECE_BYTES = 64 * 1024
# Of all others may hold each of their threads: these are free to turn away.
SPARE = 2

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


def threads(places: int) -> int:
    """How many threads the server needs so that one is free at any time, and no more.

    It hands a request to the one that has slept longest, which is woken, looks around and sleeps
    again: with 92 of them that was most of what it cost to turn somebody away.
    """
    return places + SEATS + HEALTH_PLACES + HEALTH_SEATS + DRAINERS + SPARE


class Held:
    """An answer that keeps its place until it is sent."""

    __slots__ = ("_answer", "_leave")

    def __init__(self, answer: Iterable[bytes], leave: Callable[[], None]) -> None:
        self._answer = answer
        self._leave: Callable[[], None] | None = leave

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._answer)

    @property
    def is_streamed(self) -> bool:
        """Whether its pieces are made as they are sent; Django's answers tell, and a list is none."""
        return bool(getattr(self._answer, "streaming", not isinstance(self._answer, list)))

    def whole(self) -> list[bytes]:
        """Return all of it, and give the place back.

        A list is what granian sends in one go. Any other iterable it draws from the outside piece by
        piece, which took a tenth of an ingest's time in Python.
        """
        try:
            return [b"".join(self._answer)]
        finally:
            self.close()

    def close(self) -> None:
        leave, self._leave = self._leave, None
        if leave is None:
            return
        try:
            close = getattr(self._answer, "close", None)
            if close is not None:
                close()
        finally:
            leave()

    # A place that a server forgot to give back would be lost until the restart.
    __del__ = close


class LoadLimit:
    """WSGI middleware: `places` requests in work, some that wait a moment, a 503 for the rest."""

    def __init__(self, application: Application, places: int) -> None:
        self.application = application
        self.room = Room(places, SEATS)
        self.health = Room(HEALTH_PLACES, HEALTH_SEATS)
        self._drainers = threading.BoundedSemaphore(DRAINERS)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        room = self.health if environ["PATH_INFO"] in HEALTH else self.room
        if not room.enter():
            return self._turn_away(environ, start_response)
        try:
            answer = Held(self.application(environ, start_response), room.leave)
        except BaseException:
            room.leave()
            raise
        return answer if answer.is_streamed else answer.whole()

    def _turn_away(self, environ: Environ, start_response: StartResponse) -> list[bytes]:
        tally.add()
        is_kept = self._drain(environ)
        headers, content = refusal(
            environ["PATH_INFO"], environ.get("HTTP_ACCEPT", ""), close=not is_kept
        )
        start_response("503 Service Unavailable", headers)
        return [content]

    def _drain(self, environ: Environ) -> bool:
        """Read the body if that is soon done; return whether the connection can go on."""
        length = declared_length(environ)
        if length is None or length > DRAIN_BYTES:
            return False
        if not length:
            return True
        if not self._drainers.acquire(blocking=False):
            return length <= LEFT_BYTES
        try:
            read = environ["wsgi.input"].read
            while length > 0 and (piece := read(min(length, PIECE_BYTES))):
                length -= len(piece)
        finally:
            self._drainers.release()
        return length <= 0


def declared_length(environ: Environ) -> int | None:
    """Return the length of the body, None when the client does not tell it."""
    value = environ.get("CONTENT_LENGTH") or ""
    if value.isdecimal():
        return int(value)
    return None if value or "HTTP_TRANSFER_ENCODING" in environ else 0
