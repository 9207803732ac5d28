"""The live stream: WS /api/v1/events/stream?since=<position>&<filters of the list>."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from urllib.parse import parse_qs

import msgspec
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import DatabaseError
from django.http import HttpRequest

from anpr_project.lib.auditing import reason_of, write_down
from anpr_project.lib.errors import FieldError
from audit.models import Action
from events import metrics
from events.filters import EventFilter, one_value, parse_filter
from events.stream.admission import Refused, admit
from events.stream.frames import OFFER, Burst, Frame, frame_of
from events.stream.hub import hub, read_after

BAD_REQUEST = 4400
TOO_SLOW = 4008
# Said by the standard: "try again later".
AWAY = Refused(1013, "the database is away; come back, and resume with since")
# What may wait for a connection that does not keep up. The frames are shared by all connections,
# so this bounds their lag rather than their memory.
MAX_QUEUED = 1000
SEND_TIMEOUT_S = 20
# A logout, a revoked token or a lost right ends a stream within this time.
ADMIT_AGAIN_S = 25


def _parse(query_string: bytes) -> tuple[EventFilter, int | None]:
    """Return the filter and the position to resume from."""
    query = parse_qs(query_string.decode("latin-1"), keep_blank_values=True)
    try:
        since = one_value("since", query.pop("since")) if "since" in query else None
        wanted = parse_filter(query)
        if wanted.similar:
            raise FieldError("similar", "unsupported", "A stream has no look-alike search.")
        position = None if since is None else msgspec.convert(since, int, strict=False)
    except FieldError as error:
        raise Refused(BAD_REQUEST, f"{error.field}: {error.detail}"[:120]) from None
    except msgspec.ValidationError:
        raise Refused(BAD_REQUEST, "since: expected a position") from None
    if position is not None and not 0 <= position < 2**63:
        raise Refused(BAD_REQUEST, "since: expected a position")
    return wanted, position


def _record(request: HttpRequest) -> None:
    """Write down who watches what, and why; Refused where a reason is demanded and missing."""
    try:
        reason = reason_of(request)
    except FieldError as error:
        raise Refused(BAD_REQUEST, str(error.detail)[:120]) from None
    query = request.META["QUERY_STRING"]
    write_down(request, Action.WATCH, {"query": parse_qs(query)} if query else {}, reason=reason)


class EventStreamConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # no types in channels
    """Sends hello, then everything after `since`, then every new event of the filter, in order."""

    filter: EventFilter
    # None of ours: with a layer, Channels would subscribe each connection to Redis and need Redis
    # to accept it. The hub listens once for all.
    channel_layer_alias = "none"

    async def connect(self) -> None:
        self._streaming: asyncio.Task[None] | None = None
        self._queue: deque[Frame] = deque()
        # Whether nothing is queued and no send is under way: only then may a frame pass them by.
        self._idle = False
        self._offer = self.scope.get("extensions", {}).get(OFFER)
        self._wake = asyncio.Event()
        self._overrun = False
        # Accepted first: a browser is told the close code only after the handshake.
        await self.accept()
        try:
            request = await self._admit()
            # Who came together, as all do after a restart, would be asked again together, for ever.
            self._admit_again_at -= ADMIT_AGAIN_S * random.random()  # noqa: S311
            self.filter, since = _parse(self.scope["query_string"])
            await database_sync_to_async(_record, thread_sensitive=False)(request)
        except Refused as refusal:
            await self._close(refusal)
            return
        except DatabaseError:
            await self._close(AWAY)
            return
        self._streaming = asyncio.create_task(self._stream(since))

    async def disconnect(self, code: int) -> None:
        if self._streaming is not None:
            self._streaming.cancel()
            await asyncio.gather(self._streaming, return_exceptions=True)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """What a client says is ignored; the server only ever sends."""

    def push(self, burst: Burst) -> bool:
        """Take frames from the hub; called from the event loop, never waits."""
        if self._idle and self._offer is not None and self._offer(burst.wire):
            return True
        self._idle = False
        if len(self._queue) < MAX_QUEUED:
            self._queue.extend(burst.frames)
            self._wake.set()
        elif not self._overrun and self._streaming is not None:
            self._overrun = True
            self._streaming.cancel()
        return False

    async def _stream(self, since: int | None) -> None:
        feed = hub()
        try:
            await feed.enter()
        except DatabaseError:
            await self._close(AWAY)
            return
        metrics.STREAM_CLIENTS.inc()
        try:
            head = feed.head
            await self._send(msgspec.json.encode({"type": "hello", "head": head}).decode())
            await self._catch_up(head if since is None else since)
            await self._live()
        except asyncio.CancelledError:
            if not self._overrun:
                raise
            await self._close(Refused(TOO_SLOW, "reads too slowly; resume with since"))
        except TimeoutError:
            await self._close(Refused(TOO_SLOW, "reads too slowly; resume with since"))
        except Refused as refusal:
            await self._close(refusal)
        except DatabaseError:
            await self._close(AWAY)
        finally:
            feed.remove(self)
            feed.leave()
            metrics.STREAM_CLIENTS.dec()

    async def _catch_up(self, position: int) -> None:
        """Send from the database until level with the hub, then join it without a gap."""
        feed = hub()
        if position > feed.head:
            # It comes from another server, or this hub would hand it again what it has.
            await feed.reach(position)
        while position < feed.head:
            up_to = feed.head
            events, position = await database_sync_to_async(read_after, thread_sensitive=False)(
                position, up_to, self.filter
            )
            for event in events:
                await self._stay_admitted()
                await self._send(frame_of(event).text)
        # No await between the comparison above and this: the hub cannot move in between.
        feed.add(self)

    async def _live(self) -> None:
        while True:
            try:
                async with asyncio.timeout_at(self._admit_again_at):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            while self._queue:
                await self._stay_admitted()
                await self._send(self._queue.popleft().text)
            self._idle = True
            await self._stay_admitted()

    async def _send(self, frame: str) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await self.base_send({"type": "websocket.send", "text": frame})
        metrics.STREAM_SENT.inc()

    async def _admit(self) -> HttpRequest:
        admitted: HttpRequest = await database_sync_to_async(admit, thread_sensitive=False)(
            self.scope
        )
        self._admit_again_at = asyncio.get_running_loop().time() + ADMIT_AGAIN_S
        return admitted

    async def _stay_admitted(self) -> None:
        """Ask again when it is time, so that who lags far behind loses a lost right as well."""
        if asyncio.get_running_loop().time() >= self._admit_again_at:
            await self._admit()

    async def _close(self, refusal: Refused) -> None:
        metrics.STREAM_CLOSED.labels(refusal.code).inc()
        await self.close(code=refusal.code, reason=refusal.reason)
