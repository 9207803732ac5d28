"""Runs the ASGI server in this process until a signal stops it."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from types import FrameType

import uvicorn

from anpr_project.processes import BACKLOG, address_taken
from anpr_project.websocket import MAX_MESSAGE_BYTES, PING_EVERY_S, StreamProtocol

STOP_S = 5


def uvicorn_config() -> uvicorn.Config:
    """The ASGI server of the stream process, and of the embedded shape."""
    return uvicorn.Config(
        "anpr_project.asgi:application",
        ws=StreamProtocol,
        ws_ping_interval=PING_EVERY_S,
        ws_ping_timeout=PING_EVERY_S,
        ws_max_size=MAX_MESSAGE_BYTES,
        # Compressing the same event for a thousand sockets costs more than the bytes it saves.
        ws_per_message_deflate=False,
        backlog=BACKLOG,
        server_header=False,
        # Both would write addresses with their queries, and a query may hold a plate.
        access_log=False,
        log_level="warning",
        log_config=None,
        # Django decides what a proxy may say (HTTPS), and needs no client address.
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_S,
    )


@asynccontextmanager
async def _nothing() -> AsyncIterator[None]:
    yield


class Server(uvicorn.Server):
    """uvicorn's server, for which SIGINT and SIGTERM are a normal end (exit status 0)."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.on_ready = on_ready
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # The base class would raise the signal again at the end, and so exit with its number.
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.on_ready()


def serve(
    reserved: socket.socket,
    *,
    alongside: Callable[[], AbstractAsyncContextManager[None]] = _nothing,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve on `reserved`, with `alongside` entered in the server's event loop."""
    config = uvicorn_config()
    server = Server(config, on_ready)

    async def main() -> None:
        async with alongside():
            await server.serve(sockets=[reserved])

    host, port = reserved.getsockname()[:2]
    config.load()
    # What is loaded stays: to look through it for cycles stopped all sockets for a tenth of a second.
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    try:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(main())
    except OSError as error:
        raise address_taken(host, port, error) from None
    finally:
        reserved.close()
