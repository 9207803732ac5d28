"""Refuses a request body that is too large before Django has written it to a file."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from anpr_project.lib.content_policy import HEADERS
from anpr_project.lib.errors import body
from anpr_project.lib.json_format import encode

# A frame of 8 MB, a crop of 1 MB and an event are less; nothing else here is larger.
MAX_BODY_BYTES = 16 * 1024 * 1024
# A client that is still sending would see a reset instead of the answer: read on for a while.
DRAIN_BYTES = 64 * 1024 * 1024
DRAIN_S = 10

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class BodyLimit:
    """ASGI middleware; the WSGI shape has the proxy's limit and the limits of the views."""

    def __init__(self, application: Application) -> None:
        self.application = application

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if declared_length(scope) > MAX_BODY_BYTES:
            await refuse(receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            # Django drops a request whose client is gone, and its temporary file with it.
            return {"type": "http.disconnect"} if received > MAX_BODY_BYTES else message

        await self.application(scope, counted, send)
        if received > MAX_BODY_BYTES:
            await refuse(receive, send)


def declared_length(scope: Message) -> int:
    values = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(values[0]) if values and values[0].isdigit() else 0


async def refuse(receive: Receive, send: Send) -> None:
    content = encode(body("too_large", f"The body is larger than {MAX_BODY_BYTES} bytes."))
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(content))),
        ("Connection", "close"),
        *HEADERS.items(),
    ]
    await answer_early(receive, send, 413, headers, content)


async def answer_early(
    receive: Receive, send: Send, status: int, headers: list[tuple[str, str]], content: bytes
) -> None:
    """Answer, and read the rest of the body, so that the client sees the answer and no reset."""
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": content, "more_body": True})
    try:
        await asyncio.wait_for(_drain(receive), DRAIN_S)
    except TimeoutError:
        pass
    await send({"type": "http.response.body", "body": b""})


async def _drain(receive: Receive) -> None:
    drained = 0
    while drained < DRAIN_BYTES:
        message = await receive()
        drained += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return
