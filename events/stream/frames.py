"""An event as the WebSocket frame that carries it, made once for all connections."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from events.models import PlateEvent
from events.representation import represent

TEXT = 0x81  # final, text
# The ASGI extension by which our server takes frames: a function that writes one, or says False.
OFFER = "anpr.offer"
# Of frames that are written at once: what a client does not take is kept for each connection.
TOGETHER_BYTES = 16 * 1024


class Frame(NamedTuple):
    text: str
    # What goes over the wire (RFC 6455, from the server: not masked), for servers that take it.
    wire: bytes


class Burst(NamedTuple):
    """Frames that follow each other, and what goes over the wire for all of them."""

    frames: list[Frame]
    wire: bytes


def bursts_of(frames: Iterable[Frame]) -> list[Burst]:
    """Return all frames in their order, in as few bursts as TOGETHER_BYTES allows."""
    groups: list[list[Frame]] = []
    room = 0
    for frame in frames:
        if len(frame.wire) > room:
            groups.append([])
            room = TOGETHER_BYTES
        groups[-1].append(frame)
        room -= len(frame.wire)
    return [Burst(group, b"".join([frame.wire for frame in group])) for group in groups]


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
