"""Chromium driven over its DevTools protocol, with nothing switched on that costs the page.

A test tool would keep the bodies of all responses in the memory of the tab that is measured.
"""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

FLAGS = [
    *["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--mute-audio"],
    *["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    *["--disable-extensions", "--disable-dev-shm-usage", "--window-size=1440,900"],
    "--remote-debugging-port=0",
]


class Target:
    """A page or the browser itself: ask it something, wait for the answer."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.numbers = itertools.count(1)

    def send(self, method: str, **parameters: Any) -> Any:
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv(timeout=120))
            if message.get("id") != number:
                continue
            if "error" in message:
                raise RuntimeError(f"{method}: {message['error']}")
            return message["result"]

    def evaluate(self, expression: str) -> Any:
        result = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait_until(self, expression: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.evaluate(expression):
                return
            time.sleep(0.1)
        raise RuntimeError(f"not within {seconds} s: {expression}")


@contextmanager
def chromium(folder: Path) -> Iterator[tuple[Target, Target]]:
    """Start it; give its one page and the browser."""
    program = shutil.which("chromium") or shutil.which("google-chrome") or "chromium"
    process = subprocess.Popen(  # noqa: S603 - the browser of this machine
        [program, *FLAGS, f"--user-data-dir={folder}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        port, path = _address(folder)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
            [page] = [target for target in json.load(answer) if target["type"] == "page"]
        with (
            connect(page["webSocketDebuggerUrl"], max_size=None) as to_page,
            connect(f"ws://127.0.0.1:{port}{path}", max_size=None) as to_browser,
        ):
            yield Target(to_page), Target(to_browser)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _address(folder: Path) -> tuple[str, str]:
    """Return the port and the path that it wrote down once it listens."""
    file = folder / "DevToolsActivePort"
    for _ in range(600):
        if file.exists() and len(lines := file.read_text().splitlines()) == 2:
            return lines[0], lines[1]
        time.sleep(0.1)
    raise RuntimeError("chromium did not start")
