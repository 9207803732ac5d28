#!/usr/bin/env python3
"""Stands between sensors and the API, and does to requests what networks do: a process of its own.

Prints its port, then works until it is ended. With `--log` it writes one line for each fault:
when, and which. Takes requests with a Content-Length that ask for `Connection: close`.
Standard library only.
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
from pathlib import Path
from typing import IO

# Shares of all requests. `cut answer`: the request was served whole, its answer is lost.
FAULTS = {
    "cut answer": 0.20,
    "twice": 0.10,
    "sliced": 0.03,
    "stalled": 0.02,
    "late answer": 0.01,
    "reset": 0.04,
    "cut upload": 0.05,
}
LONGEST_STALL_S = 4
# Longer than a sensor waits.
LATE_S = 8


class Gone(Exception):
    """One side has closed."""


class Proxy:
    def __init__(self, upstream: int, share: float, seed: int, log: IO[str] | None) -> None:
        self.upstream, self.share, self.log = upstream, share, log
        self.chance = random.Random(seed)  # noqa: S311 - must be repeatable
        # The event loop itself holds on to no task.
        self.tasks: set[asyncio.Task[None]] = set()

    def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self.serve(reader, writer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def choose(self) -> str:
        kinds = [*FAULTS, ""]
        rates = [rate * self.share for rate in FAULTS.values()]
        return self.chance.choices(kinds, [*rates, max(0.0, 1 - sum(rates))])[0]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fault = self.choose()
        try:
            await self.pass_on(fault, await read_request(reader), writer)
        except (OSError, Gone, asyncio.IncompleteReadError):
            reset(writer)
        finally:
            if fault and self.log:
                self.log.write(f"{time.monotonic():.3f} {fault}\n")
            writer.close()

    async def pass_on(self, fault: str, request: bytes, writer: asyncio.StreamWriter) -> None:
        if fault == "cut upload":
            await self.ask(request[: self.chance.randrange(len(request))], reset_after=True)
        elif fault != "reset":
            answer = await self.answer(fault, request)
            if answer and fault != "cut answer":
                writer.write(answer)
                await writer.drain()
                return
        raise Gone

    async def answer(self, fault: str, request: bytes) -> bytes:
        match fault:
            case "twice":
                return self.chance.choice(
                    await asyncio.gather(self.ask(request), self.ask(request))
                )
            case "sliced":
                return await self.ask(request, pieces=self.pieces(len(request)))
            case "stalled":
                half = self.chance.randrange(1, len(request))
                return await self.ask(request, pieces=[half], pause_s=self.stall_s())
        answer = await self.ask(request)
        if fault == "late answer":
            await asyncio.sleep(LATE_S)
        return answer

    def stall_s(self) -> float:
        return self.chance.uniform(0.5, LONGEST_STALL_S)

    def pieces(self, length: int) -> list[int]:
        """Where to cut: single bytes at first, then at most thirty larger pieces."""
        start = min(30, length - 1)
        rest = [self.chance.randrange(start, length) for _ in range(30)]
        return sorted({*range(1, start), *rest} - {0})

    async def ask(
        self,
        request: bytes,
        *,
        pieces: list[int] | None = None,
        pause_s: float = 0.005,
        reset_after: bool = False,
    ) -> bytes:
        """Send a request upstream, cut at `pieces`; return the answer, empty when there was none."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        try:
            begin = 0
            for end in pieces or []:
                writer.write(request[begin:end])
                await writer.drain()
                await asyncio.sleep(pause_s)
                begin = end
            writer.write(request[begin:])
            await writer.drain()
            if reset_after:
                await asyncio.sleep(0.01)
                reset(writer)
                return b""
            return await reader.read(-1)
        finally:
            writer.close()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return head + await reader.readexactly(length)


def reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def work(options: argparse.Namespace) -> None:
    log = Path(options.log).open("a", buffering=1) if options.log else None  # noqa: SIM115
    proxy = Proxy(options.upstream, options.share, options.seed, log)
    server = await asyncio.start_server(proxy.take, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--upstream", type=int, required=True, help="port of the API")
    parser.add_argument("--share", type=float, default=1, help="multiplies every share")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", default="")
    asyncio.run(work(parser.parse_args()))


if __name__ == "__main__":
    main()
