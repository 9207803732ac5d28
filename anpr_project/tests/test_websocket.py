from __future__ import annotations

import asyncio
import base64
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from anpr_project.websocket import StreamProtocol
from events.stream.frames import OFFER

PART = "x" * 10_000


class Impatient(StreamProtocol):
    abort_after_s = 0.3


@dataclass
class Consumer:
    """Sends until the socket no longer takes it, then closes with 4008, as the stream does."""

    blocked: asyncio.Event = field(default_factory=asyncio.Event)
    sender_gone: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    lost: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Any, receive: Callable[[], Any], send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        sender = asyncio.create_task(self._flood(send))
        await self.blocked.wait()
        await send({"type": "websocket.close", "code": 4008})
        self.closed.set()
        await receive()
        await sender

    async def _flood(self, send: Any) -> None:
        try:
            while True:
                waiting = asyncio.ensure_future(send({"type": "websocket.send", "text": PART}))
                done, _ = await asyncio.wait([waiting], timeout=0.2)
                if not done:
                    self.blocked.set()
                await waiting
        except ClientDisconnected:
            self.sender_gone.set()


@asynccontextmanager
async def served(
    app: Any, protocol: type[WebSocketsSansIOProtocol], **options: Any
) -> AsyncIterator[tuple[int, ServerState]]:
    config = uvicorn.Config(app, ws=protocol, lifespan="off", log_config=None, **options)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config, state, {}), "127.0.0.1", 0
    )
    try:
        yield server.sockets[0].getsockname()[1], state
    finally:
        for connection in list(state.connections):
            connection.transport.abort()
        server.close()
        await asyncio.sleep(0.05)
        for task in list(state.tasks):
            task.cancel()
        await asyncio.sleep(0)


async def handshake(port: int) -> socket.socket:
    """Return a client that has shaken hands and reads nothing more by itself."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, ("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16)).decode()
    await loop.sock_sendall(
        client,
        "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode(),
    )
    assert b" 101 " in await loop.sock_recv(client, 100)
    return client


async def gone(state: ServerState) -> None:
    while state.connections:
        await asyncio.sleep(0.02)


async def test_client_that_stops_reading_is_disconnected() -> None:
    consumer = Consumer()
    async with asyncio.timeout(10), served(consumer, Impatient) as (port, state):
        with await handshake(port):
            await consumer.closed.wait()
            await gone(state)
            await consumer.sender_gone.wait()


async def test_without_our_protocol_the_close_would_wait_for_ever() -> None:
    """The control: if uvicorn ever closes by itself, our subclass can go."""
    consumer = Consumer()
    async with asyncio.timeout(10), served(consumer, WebSocketsSansIOProtocol) as (port, _):
        with await handshake(port):
            await consumer.blocked.wait()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(consumer.closed.wait(), 1)


async def test_client_that_reads_again_sees_the_close_code() -> None:
    consumer = Consumer()
    async with asyncio.timeout(10), served(consumer, StreamProtocol) as (port, _):
        with await handshake(port) as client:
            await consumer.closed.wait()
            received = b""
            # A close frame: opcode 8, two bytes, 4008.
            while not received.endswith(b"\x88\x02\x0f\xa8"):
                received += await asyncio.get_running_loop().sock_recv(client, 65536)


async def test_client_that_does_not_answer_pings_is_disconnected() -> None:
    async def silent(scope: Any, receive: Callable[[], Any], send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass

    options = {"ws_ping_interval": 0.1, "ws_ping_timeout": 0.1}
    async with asyncio.timeout(10), served(silent, StreamProtocol, **options) as (port, state):
        with await handshake(port):
            await gone(state)


async def test_client_that_stops_reading_does_not_hold_up_the_end() -> None:
    consumer = Consumer()
    async with asyncio.timeout(10), served(consumer, StreamProtocol) as (port, state):
        with await handshake(port):
            await consumer.blocked.wait()
            for connection in list(state.connections):
                connection.shutdown()
            await gone(state)


async def test_refused_handshake_is_answered_403() -> None:
    async def refusing(scope: Any, receive: Callable[[], Any], send: Any) -> None:
        await receive()
        await send({"type": "websocket.close", "code": 4401})

    async with asyncio.timeout(10), served(refusing, StreamProtocol) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert b" 403 " in await reader.readline()
        writer.close()
        await writer.wait_closed()


async def test_offered_frames_are_written_until_the_client_falls_behind() -> None:
    frame = b"\x81\x7e" + len(PART).to_bytes(2) + PART.encode()
    taken: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def offering(scope: Any, receive: Callable[[], Any], send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        count = 0
        while scope["extensions"][OFFER](frame):
            count += 1
        taken.set_result(count)
        await receive()

    async with served(offering, StreamProtocol) as (port, _):
        client = await handshake(port)
        count, data = await taken, b""
        while len(data.partition(b"\r\n\r\n")[2]) < count * len(frame):
            data += await asyncio.get_running_loop().sock_recv(client, 2**20)
        client.close()
    assert count > 1
    assert data.endswith(b"\r\n\r\n" + frame * count)
