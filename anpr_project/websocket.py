"""The WebSocket protocol of our servers: it can really disconnect a client that does not read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from events.stream.frames import OFFER

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent
    from websockets.http11 import Request

# The stream keeps no state on a connection: silence for two of these means that nobody is there.
PING_EVERY_S = 25
MAX_MESSAGE_BYTES = 16 * 1024


class StreamProtocol(WebSocketsSansIOProtocol):
    """uvicorn's protocol, except that a close does not wait for a client that has stopped reading.

    `send()` waits until the transport is writable, and `transport.close()` waits until its buffer
    is empty. For a client that does not read neither ever happens: the close would hang, and the
    socket and its buffer with it. Here a close goes past the wait, and the transport is aborted
    when the client has not answered in time.
    """

    # After the 20 s that a send may take: whoever stops reading is gone within half a minute.
    abort_after_s = 5.0

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # else the handshake was refused
            # The application's task begins after this.
            cast(dict[str, Any], self.scope["extensions"])[OFFER] = self.offer

    def offer(self, frame: bytes) -> bool:
        """Write a whole frame at once; False, and nothing is written, unless the client keeps up.

        A task, an event and three calls through the ASGI stack for each frame cost ten times what
        the write does.
        """
        if not self.writable.is_set() or self.close_sent or self.transport.is_closing():
            return False
        self.transport.write(frame)
        return True

    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] == "websocket.close":
            self.writable.set()
            await super().send(message)
            self._abort_when_unanswered()
            return
        await self.writable.wait()
        if self.close_sent and self.initial_response is None:
            # A sender that waited while another task closed: for it the client is gone.
            raise ClientDisconnected
        await super().send(message)

    def _abort_when_unanswered(self) -> None:
        # The timer of the base class would only ask the transport to close after flushing.
        if self.close_timer is not None:
            self.close_timer.cancel()
            self.close_timer = self.loop.call_later(self.abort_after_s, self.transport.abort)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        # One second for the close frame to leave, if anybody is there to take it.
        self.loop.call_later(1, self.transport.abort)

    def shutdown(self) -> None:
        super().shutdown()
        # A client that does not read must not hold up the end of the process.
        self.loop.call_later(1, self.transport.abort)
