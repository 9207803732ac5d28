"""Stream clients that are cut and resume, as the tests of the real processes need them."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Sequence

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect


class Watcher(threading.Thread):
    """A stream client that is cut now and then, and resumes where it was, at any of the servers."""

    def __init__(self, urls: Sequence[str], token: str, seed: int) -> None:
        super().__init__(daemon=True)
        self.urls, self.token = urls, token
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.positions: list[int] = []
        self.event_ids: list[str] = []
        self.cuts = 0
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.is_set():
            try:
                self.watch()
            except (OSError, WebSocketException, EOFError):
                time.sleep(0.1)

    def watch(self) -> None:
        since = self.positions[-1] if self.positions else 0
        headers = {"Authorization": f"Token {self.token}"}
        url = self.random.choice(self.urls)
        with connect(f"{url}?since={since}", additional_headers=headers) as socket:
            cut_at = time.monotonic() + self.random.uniform(0.3, 2)
            while not self.done.is_set() and time.monotonic() < cut_at:
                try:
                    message = json.loads(socket.recv(timeout=0.2))
                except TimeoutError:
                    continue
                if message["type"] == "event":
                    self.positions.append(message["position"])
                    self.event_ids.append(message["event"]["event_id"])
            self.cuts += 1
            socket.socket.close()


def wait_until_level(watchers: list[Watcher], events: int, seconds: float = 30) -> None:
    """Let the watchers see so many events, then end them."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(len(w.positions) < events for w in watchers):
        time.sleep(0.1)
    for watcher in watchers:
        watcher.done.set()
        watcher.join(5)
