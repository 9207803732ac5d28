"""Uploads that end in the middle, and clients that send a byte now and then, beside good sensors."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import os
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from processes import memory_mb
from product import family

from anpr_project.tests.test_proxy import caddy
from ledger.cut_checks import CHECKS, Good, Seen, Slow, damaged
from ledger.edge import INGEST, form, picture, post
from ledger.evidence import stored_files, stored_rows
from ledger.hostile import workers
from ledger.installation import (
    Installation,
    cameras_and_keys,
    chance_for,
    installation,
    set_up_django,
)
from ledger.judging import controls, examine
from ledger.poison import event
from ledger.report import tell_findings

TOKEN = "/api/v1/auth/token"  # noqa: S105 - an address
THREADS, BYTE_S, SETTLING_S, WARM_UP = 8, 1.0, 3, 40


def raw(chance: random.Random, key: str, port: int) -> tuple[str, bytes]:
    """Return the id of an event with two pictures, and the whole request as it goes over the wire."""
    fields = event(chance, "CUT1")
    body, kind = form(fields, {"frame": picture(chance, 60), "crop": picture(chance, 24)})
    head = f"POST {INGEST} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Api-Key {key}\r\n"
    head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return str(fields["event_id"]), head.encode() + body


def cut(chance: random.Random, key: str, port: int) -> tuple[str, int | None]:
    """Send a part of an upload; end by a close that asks for the answer, or by a reset."""
    event_id, request = raw(chance, key, port)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as stream, suppress(OSError):
        stream.sendall(request[: chance.randrange(1, len(request))])
        if chance.random() < 0.5:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return event_id, None
        stream.shutdown(socket.SHUT_WR)
        answer = stream.recv(64).split()
        return event_id, int(answer[1]) if len(answer) > 1 else None
    return event_id, None


class Sensors:
    """Good ones: each event is sent once, at a pace, and must be taken at once."""

    def __init__(self, port: int, key: str, chance: random.Random, rate: float) -> None:
        self.port, self.key, self.chance, self.rate = port, key, chance, rate
        self.sent: list[Good] = []
        self._pool = ThreadPoolExecutor(THREADS)

    def _send(self, event_id: str, body: bytes, kind: str) -> None:
        headers = {"Authorization": f"Api-Key {self.key}", "Content-Type": kind}
        begun = time.monotonic()
        status, _ = post(self.port, INGEST, body, headers)
        self.sent.append(Good(event_id, status, time.monotonic() - begun))

    @contextmanager
    def at_work(self) -> Iterator[list[Good]]:
        """Send meanwhile; what was sent is in the list once this ends."""
        ending, found = threading.Event(), list[Good]()
        first = len(self.sent)

        def run() -> None:
            while not ending.wait(1 / self.rate):
                fields = event(self.chance, "GOOD1")
                body, kind = form(fields, {"frame": picture(self.chance, 60)})
                self._pool.submit(self._send, str(fields["event_id"]), body, kind)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield found
        finally:
            ending.set()
            thread.join()
            time.sleep(SETTLING_S)
            self._pool.shutdown()
            self._pool = ThreadPoolExecutor(THREADS)
            found += self.sent[first:]


def slow_requests(chance: random.Random, key: str, port: int, count: int) -> list[Slow]:
    """A third stops in the head, a third in a sensor's body, a third in a body of nobody's."""
    made = []
    for number in range(count):
        stream = socket.create_connection(("127.0.0.1", port))
        event_id, request = raw(chance, key, port)
        where = ("head", "sensor's body", "anybody's body")[number % 3]
        if where == "head":
            stream.sendall(request[:60])
        elif where == "sensor's body":
            stream.sendall(request[: request.index(b"\r\n\r\n") + 40])
        else:
            head = f"POST {TOKEN} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            head += "Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"
            stream.sendall(head.encode())
        made.append(Slow(where, event_id, stream))
    return made


def trickle(slow: list[Slow], seconds: float) -> None:
    """Send each a byte now and then; note when the other side closed it."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        for one in slow:
            if one.closed_after is None and one.is_closed():
                one.closed_after = time.monotonic() - begun
        time.sleep(BYTE_S)
    for one in slow:
        one.stream.close()


def held(made: Installation) -> tuple[float, int]:
    """Memory of all of the API's processes and of the proxy, and their open descriptors."""
    proxies = set()
    for pid in family(os.getpid())[1:]:
        with suppress(FileNotFoundError):  # it was only there to list the processes
            if b"Caddyfile" in Path(f"/proc/{pid}/cmdline").read_bytes():
                proxies.add(pid)
    pids = workers(made) | proxies
    descriptors = sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)
    return sum(memory_mb(pid, "VmRSS") for pid in pids), descriptors


def cut_run(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    """Good sensors alone, beside cut uploads, beside slow clients; all but half the cuts by the proxy."""
    made = stack.enter_context(installation(folder, picture_mb=512))
    key = cameras_and_keys(made.server, made.login(), 1)[0]["key"]
    set_up_django(made)
    proxy = stack.enter_context(caddy(folder, made.server.port, made.server.stream_port))
    port = int(proxy.site.rpartition(":")[2])
    chance = chance_for(options.seed, "cut")
    sensors = Sensors(port, key, chance_for(options.seed, "good"), options.rate)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _: cut(chance, key, port), range(WARM_UP)))
    with sensors.at_work() as quiet:
        time.sleep(options.seconds)
    before = held(made)
    with sensors.at_work() as beside_cuts, ThreadPoolExecutor(THREADS) as pool:
        ports = [made.server.port, port] * (options.cuts // 2)
        cuts = list(pool.map(lambda to: cut(chance, key, to), ports))
    with sensors.at_work() as beside_slow:
        slow = slow_requests(chance, key, port, options.slow)
        trickle(slow, options.seconds)
        while_slow = held(made)
    seen = Seen(
        quiet=quiet,
        troubled=[beside_cuts, beside_slow],
        cuts=cuts,
        slow=slow,
        rows=stored_rows(),
        files=stored_files(made.storage.uploads),
        growth=(while_slow[0] - before[0], held(made)[1] - before[1]),
    )
    print(f"{len(cuts)} cut: {dict(Counter(str(status) for _, status in cuts))} were heard")
    for name, turn in (("alone", quiet), ("beside cuts", beside_cuts), ("slow ones", beside_slow)):
        told = dict(Counter(str(one.status) for one in turn))
        print(f"good ones, {name}: {told}, p99 {1000 * Seen.p99(turn):.0f} ms")
    closed = [one.closed_after for one in slow if one.closed_after is not None]
    print(f"{len(slow)} slow, {len(closed)} closed, the last after {max(closed, default=0):.1f} s")
    print(f"memory {seen.growth[0]:+.0f} MB, descriptors {seen.growth[1]:+d} when all was over")
    return tell_findings(examine(CHECKS, seen), controls(CHECKS, seen, damaged(seen)))
