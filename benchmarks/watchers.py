#!/usr/bin/env python3
"""A thousand watchers of the live stream in one process: counts holes, measures how late events are.

    watchers.py --ports 8001,8002 --sockets 1000 --events 3000 --path /api/v1/events/stream

Says "ready" when all have heard hello, reads until every one has seen all events or its input ends,
then prints what it saw as JSON.
Late is from `received_at`, which the server notes before it writes and commits, to the read here; and to the
arrival in the kernel, so that it can be seen whether it is the watchers that are late. Standard library only.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import select
import socket
import struct
import sys
import time
from collections import Counter
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

PING, PONG, TEXT = 0x89, 0x8A, 0x81
# Linux: with what is read comes when its last packet arrived, as seconds and nanoseconds.
SO_TIMESTAMPNS, TIMESPEC = 35, struct.Struct("ll")


def parsed(payload: bytes) -> tuple[int, float] | None:
    """Return position and time of an event; None for the hello."""
    message = json.loads(payload)
    if message["type"] != "event":
        return None
    at = datetime.fromisoformat(message["event"]["received_at"])
    return message["position"], at.timestamp()


def arrival(notes: list[tuple[int, int, bytes]]) -> float:
    """Return the kernel's time; it begins to note it a moment after it is asked to."""
    if not notes:
        return time.time()
    seconds, nanoseconds = TIMESPEC.unpack(notes[0][2])
    return float(seconds + nanoseconds / 1e9)


class Part(NamedTuple):
    """What some bytes of a stream hold."""

    messages: int
    # Their positions, and when they were received.
    events: list[tuple[int, float]]
    pongs: bytes
    rest: bytes


@lru_cache(maxsize=1000)
def taken_apart(data: bytes) -> Part:
    """Look through bytes from the beginning of a frame on; all get the same, so each once."""
    messages, events, pongs, at = 0, [], b"", 0
    while len(data) >= at + 2:
        length, begin = data[at + 1], at + 2
        if length == 126:
            length, begin = int.from_bytes(data[at + 2 : at + 4]), at + 4
        if len(data) < begin + length:
            break
        payload = data[begin : begin + length]
        if data[at] == TEXT:
            messages += 1
            if event := parsed(payload):
                events.append(event)
        elif data[at] == PING:
            # Masked with zeros, which leaves the payload as it is.
            pongs += bytes((PONG, 0x80 | length, 0, 0, 0, 0)) + payload
        at = begin + length
    return Part(messages, events, pongs, data[at:])


def shake_hands(stream: socket.socket, port: int, path: str, authorization: str) -> bytes:
    """Ask for a stream; return what came after the answer."""
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket"]
    lines += ["Connection: Upgrade", "Sec-WebSocket-Version: 13"]
    lines += [f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}"]
    lines += [f"Authorization: {authorization}"] * bool(authorization)
    stream.sendall("\r\n".join([*lines, "", ""]).encode())
    data = b""
    while b"\r\n\r\n" not in data:
        data += stream.recv(4096)
    head, _, data = data.partition(b"\r\n\r\n")
    if b" 101 " not in head:
        sys.exit(f"no stream: {head!r}")
    return data


class Watcher:
    """One socket: what it got, and where the positions were not the next ones."""

    def __init__(self, port: int, path: str, authorization: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.data = shake_hands(self.socket, port, path, authorization)
        self.position: int | None = None
        self.events = self.holes = 0

    def read(self) -> tuple[Part, float]:
        """Wait for something; return what is whole, and when it was in the kernel."""
        got, notes, _, _ = self.socket.recvmsg(262_144, 64)
        if not got:
            sys.exit(f"a stream was closed after {self.events} events: {self.data!r}")
        self.data += got
        return self.part(), arrival(notes)

    def part(self) -> Part:
        """Return what has come whole, and answer pings."""
        found = taken_apart(self.data)
        self.data = found.rest
        if found.pongs:
            self.socket.sendall(found.pongs)
        return found

    def wait_for_hello(self) -> None:
        """Return when it gets what comes from now on; nothing may be sent to it before."""
        found = self.part()
        while not found.messages:
            found, _ = self.read()

    def note(self, events: list[tuple[int, float]]) -> None:
        for position, _ in events:
            self.holes += self.position is not None and position != self.position + 1
            self.position = position
        self.events += len(events)


class Late:
    """How many events were how many milliseconds late."""

    def __init__(self) -> None:
        self.read: Counter[int] = Counter()
        self.arrived: Counter[int] = Counter()

    def note(self, events: list[tuple[int, float]], read_at: float, arrived_at: float) -> None:
        for _, received_at in events:
            self.read[round((read_at - received_at) * 1000)] += 1
            self.arrived[round((arrived_at - received_at) * 1000)] += 1


def watch(watchers: list[Watcher], expected: int) -> Late:
    """Read until all have come or input ends; return how late they were."""
    poll = select.epoll()
    by_number = {watcher.socket.fileno(): watcher for watcher in watchers}
    for number in [*by_number, sys.stdin.fileno()]:
        poll.register(number, select.EPOLLIN)
    late, seen = Late(), 0
    while seen < expected:
        for number, _ in poll.poll():
            if number == sys.stdin.fileno():
                return late
            part, arrived_at = by_number[number].read()
            late.note(part.events, time.time(), arrived_at)
            by_number[number].note(part.events)
            seen += len(part.events)
    return late


def quantile(late: Counter[int], share: float) -> int:
    left = late.total() * share
    for milliseconds in sorted(late):
        left -= late[milliseconds]
        if left <= 0:
            return milliseconds
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ports", required=True)
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--events", type=int, required=True, help="that each is to see")
    parser.add_argument("--path", required=True)
    parser.add_argument("--authorization", default="")
    options = parser.parse_args()
    ports = [int(port) for port in options.ports.split(",")]
    watchers = [
        Watcher(ports[number % len(ports)], options.path, options.authorization)
        for number in range(options.sockets)
    ]
    for watcher in watchers:
        watcher.wait_for_hello()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    cpu = time.process_time()
    late = watch(watchers, options.events * len(watchers))
    seen = [watcher.events for watcher in watchers]
    result = {
        "least": min(seen),
        "most": max(seen),
        "holes": sum(watcher.holes for watcher in watchers),
        "p50_ms": quantile(late.read, 0.5),
        "p99_ms": quantile(late.read, 0.99),
        "arrived_p50_ms": quantile(late.arrived, 0.5),
        "arrived_p99_ms": quantile(late.arrived, 0.99),
        "cpu_s": time.process_time() - cpu,
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
