#!/usr/bin/env python3
"""A thousand watchers of the live stream in one process: counts holes, measures how late events are.

    watchers.py --ports 8001,8002 --sockets 1000 --events 3000 --path /api/v1/events/stream

Says "ready" when all have heard hello, reads until every one has seen all events or its input ends,
then prints what it saw as JSON.
Late is from `received_at`, which the server notes before it writes and commits, to the read here. Standard library only.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import select
import socket
import sys
import time
from collections import Counter
from datetime import datetime

PING, PONG, TEXT = 0x89, 0x8A, 0x81


def parsed(payload: bytes) -> tuple[int, float] | None:
    """Return position and time of an event; None for the hello."""
    message = json.loads(payload)
    if message["type"] != "event":
        return None
    at = datetime.fromisoformat(message["event"]["received_at"])
    return message["position"], at.timestamp()


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
        self.data = shake_hands(self.socket, port, path, authorization)
        self.position: int | None = None
        self.events = self.holes = 0

    def read(self) -> list[bytes]:
        """Wait for something; return the text messages that are whole."""
        got = self.socket.recv(262_144)
        if not got:
            sys.exit(f"a stream was closed after {self.events} events: {self.data!r}")
        self.data += got
        return self.frames()

    def wait_for_hello(self) -> None:
        """Return when it gets what comes from now on; nothing may be sent to it before."""
        found = self.frames()
        while not found:
            found = self.read()

    def frames(self) -> list[bytes]:
        """Return the text messages that have come whole, and answer pings."""
        data, found, at = self.data, [], 0
        while len(data) >= at + 2:
            length, begin = data[at + 1], at + 2
            if length == 126:
                length, begin = int.from_bytes(data[at + 2 : at + 4]), at + 4
            if len(data) < begin + length:
                break
            if data[at] == TEXT:
                found.append(data[begin : begin + length])
            elif data[at] == PING:
                # Masked with zeros, which leaves the payload as it is.
                pong = bytes((PONG, 0x80 | length, 0, 0, 0, 0)) + data[begin : begin + length]
                self.socket.sendall(pong)
            at = begin + length
        self.data = data[at:]
        return found


def watch(watchers: list[Watcher], expected: int) -> Counter[int]:
    """Read until all have come or input ends; return how many were how many milliseconds late."""
    poll = select.epoll()
    by_number = {watcher.socket.fileno(): watcher for watcher in watchers}
    for number in [*by_number, sys.stdin.fileno()]:
        poll.register(number, select.EPOLLIN)
    late: Counter[int] = Counter()
    known: dict[bytes, tuple[int, float] | None] = {}
    while late.total() < expected:
        for number, _ in poll.poll():
            if number == sys.stdin.fileno():
                return late
            watcher = by_number[number]
            payloads, now = watcher.read(), time.time()
            for payload in payloads:
                # All get the same bytes: each is parsed once.
                if payload not in known:
                    known[payload] = parsed(payload)
                note(watcher, known[payload], now, late)
    return late


def note(watcher: Watcher, event: tuple[int, float] | None, now: float, late: Counter[int]) -> None:
    if event is None:
        return
    position, at = event
    watcher.holes += watcher.position is not None and position != watcher.position + 1
    watcher.position, watcher.events = position, watcher.events + 1
    late[round((now - at) * 1000)] += 1


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
        "p50_ms": quantile(late, 0.5),
        "p99_ms": quantile(late, 0.99),
        "cpu_s": time.process_time() - cpu,
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
