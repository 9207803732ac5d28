"""An event as the WebSocket frame that carries it, made once for all connections."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from events.models import PlateEvent
from events.representation import represent

TEXT = 0x81  # final, text
# The ASGI extension by which our server takes frames: a function that writes one, or says False.
OFFER = "anpr.offer"


class Frame(NamedTuple):
    text: str
    # What goes over the wire (RFC 6455, from the server: not masked), for servers that take it.
    wire: bytes


def wire_of(text: bytes) -> bytes:
    length = len(text)
    if length < 126:
        return bytes((TEXT, length)) + text
    if length < 2**16:
        return bytes((TEXT, 126)) + length.to_bytes(2) + text
    return bytes((TEXT, 127)) + length.to_bytes(8) + text


def frame_of(event: PlateEvent) -> Frame:
    """Return the message that carries an event."""
    data = msgspec.json.encode(
        {"type": "event", "position": event.position, "event": represent(event)}
    )
    return Frame(data.decode(), wire_of(data))
