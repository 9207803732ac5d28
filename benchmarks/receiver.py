#!/usr/bin/env python3
"""A sink for webhooks as a process of its own: quick, or as unreliable as it is told to be.

Prints its port, then answers until it is ended. With `--log` it writes down each request that it
accepted: when, the message's id, and whether its answer was sent ("ok") or cut off ("cut"). What
it refuses, or takes without any answer, it does not accept. Standard library only.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import socket
import struct
import sys
import time
from functools import partial
from pathlib import Path
from typing import IO, cast

OK = b"HTTP/1.1 204 No Content\r\n\r\n"
BROKEN = b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n"
BUSY = b"HTTP/1.1 429 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
# Shares of all faults. Each 429 stops the exporter for a second, which is what it asks for.
FAULTS = {"broken": 0.49, "busy": 0.01, "silent": 0.1, "reset": 0.2, "cut": 0.2}


class Behaviour:
    def __init__(self, options: argparse.Namespace) -> None:
        self.delay_s: float = options.delay_ms / 1000
        self.share: float = options.faults
        self.black_hole: bool = options.black_hole
        self.chance = random.Random(options.seed)  # noqa: S311 - must be repeatable
        self.log: IO[str] | None = None
        if options.log:
            self.log = Path(options.log).open("a", buffering=1)  # noqa: SIM115 - until the end

    def choose(self) -> str:
        if self.black_hole:
            return "silent"
        if self.share and self.chance.random() < self.share:
            return self.chance.choices([*FAULTS], [*FAULTS.values()])[0]
        return "ok"

    def accept(self, message_id: str, answer: str) -> None:
        if self.log is not None:
            self.log.write(f"{time.monotonic():.6f} {message_id} {answer}\n")


class Receiver(asyncio.Protocol):
    """One connection; requests come one after the other."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour, self.received = behaviour, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        headers = {}
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip()
        if end and len(body) >= int(headers.get(b"content-length", 0)):
            self.received = b""
            message_id = headers.get(b"webhook-id", b"?").decode()
            later = partial(self.answer, message_id)
            asyncio.get_running_loop().call_later(self.behaviour.delay_s, later)

    def answer(self, message_id: str) -> None:
        what = self.behaviour.choose()
        if what in {"ok", "cut"}:
            self.behaviour.accept(message_id, what)
        if what in {"reset", "cut"}:
            self.reset()
        elif what != "silent":
            self.transport.write({"ok": OK, "broken": BROKEN, "busy": BUSY}[what])

    def reset(self) -> None:
        sock = self.transport.get_extra_info("socket")
        with contextlib.suppress(OSError):  # the client may have gone first
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


async def serve(behaviour: Behaviour, port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Receiver(behaviour), "127.0.0.1", port)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--delay-ms", type=float, default=0)
    parser.add_argument("--faults", type=float, default=0, help="share of requests that fail")
    parser.add_argument("--black-hole", action="store_true", help="never answer")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", default="")
    parser.add_argument("--port", type=int, default=0, help="to come back where it was")
    options = parser.parse_args()
    asyncio.run(serve(Behaviour(options), options.port))


if __name__ == "__main__":
    main()
