#!/usr/bin/env python3
"""Clients of the live stream that are cut again and again and resume where they were: one process.

Reads its orders as JSON lines: first {"url", "token", "seed", "cut_s": [least, most],
"cameras": [null or a camera for each client]}, in the end {"last": {camera: position}}, which is
what each client has to reach. Then writes what each of them got, one JSON line a client.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from array import array
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

LONGEST_WAIT_S = 90


@dataclass
class Orders:
    url: str
    token: str
    seed: int
    cut_s: tuple[float, float]
    last: dict[str, int] = field(default_factory=dict)
    # From then on nobody is cut: each reads on until it has all.
    is_ending: bool = False


@dataclass
class Client:
    orders: Orders
    camera: int | None
    chance: random.Random
    positions: array[int] = field(default_factory=lambda: array("q"))
    event_ids: list[str] = field(default_factory=list)
    closed: Counter[str] = field(default_factory=Counter)

    @property
    def url(self) -> str:
        since = self.positions[-1] if self.positions else 0
        camera = "" if self.camera is None else f"&camera={self.camera}"
        return f"{self.orders.url}?since={since}{camera}"

    @property
    def has_all(self) -> bool:
        last = self.orders.last.get(str(self.camera), 0)
        return (self.positions[-1] if self.positions else 0) >= last

    async def run(self) -> None:
        while not (self.orders.is_ending and self.has_all):
            try:
                await self.watch()
            except ConnectionClosed as error:
                self.closed[str(error.rcvd.code if error.rcvd else 1006)] += 1
            except (OSError, WebSocketException, TimeoutError) as error:
                self.closed[type(error).__name__] += 1
            await asyncio.sleep(self.chance.uniform(0.1, 1))

    async def watch(self) -> None:
        """Read until cut; the position is that of the last message, as with any client."""
        headers = {"Authorization": f"Token {self.orders.token}"}
        loop = asyncio.get_running_loop()
        async with connect(
            self.url, additional_headers=headers, open_timeout=20, ping_interval=None
        ) as stream:
            cut_at = loop.time() + self.chance.uniform(*self.orders.cut_s)
            while loop.time() < cut_at and not (self.orders.is_ending and self.has_all):
                try:
                    async with asyncio.timeout(0.5):
                        message = json.loads(await stream.recv())
                except TimeoutError:
                    continue
                if message["type"] == "event":
                    self.positions.append(message["position"])
                    self.event_ids.append(message["event"]["event_id"])
            self.closed["cut"] += 1
            # As a network does it: without a goodbye.
            stream.transport.abort()

    def story(self) -> dict[str, Any]:
        return {
            "camera": self.camera,
            "positions": self.positions.tolist(),
            "event_ids": self.event_ids,
            "closed": self.closed,
        }


async def work(output: Path) -> None:
    loop = asyncio.get_running_loop()
    given = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    cameras = given.pop("cameras")
    orders = Orders(**given)
    clients = [
        Client(orders, camera, random.Random(orders.seed + number))  # noqa: S311 - repeatable
        for number, camera in enumerate(cameras)
    ]
    tasks = [asyncio.create_task(client.run()) for client in clients]
    orders.last = json.loads(await loop.run_in_executor(None, sys.stdin.readline))["last"]
    orders.is_ending = True
    await asyncio.wait(tasks, timeout=LONGEST_WAIT_S)
    with output.open("w") as file:
        for client in clients:
            file.write(json.dumps(client.story()) + "\n")


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1])))
