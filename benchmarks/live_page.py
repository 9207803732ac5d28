#!/usr/bin/env python3
"""What the live page costs the browser at 50 reads a second, and whether it drops any.

    live_page.py [--rate 50] [--seconds 600] [--shape run]

Starts the product, sends reads with crops (every tenth with a frame, too) from several sensors, and
opens the page in Chromium. The reads are counted where a person sees them: rows that came into the
list. The browser says how long its main thread was busy and how large the heap is after a
collection; the kernel says what the whole process of the tab holds.
"""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from product import PASSWORD, Server, free_port

SENDERS = 8
PICTURES = 64
SAMPLE_S = 10
# What the browser tells apart of its main thread's time; the rest is painting, loading and tasks.
PARTS = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
MOST_BUSY = 0.30
# What may come to the tab between the first and the last quarter of the run.
MOST_GROWTH_MB = 5.0
LETTERS, DIGITS = "ABCDEFGHJKLMNOPRSTUVWXYZ", "0123456789"
# Tells which rows came into the list since it was asked last, and how old the reads then were.
COUNTER = """
globalThis.seenRows = [];
new MutationObserver((changes) => {
  for (const { addedNodes } of changes)
    for (const row of addedNodes) seenRows.push([+row.dataset.id, Date.now() - Date.parse(row.querySelector("time").dateTime)]);
}).observe(document.getElementById("reads"), { childList: true });
"""


@dataclass
class Traffic:
    """The sensors: together they send `rate` reads a second, each at its moment."""

    server: Server
    rate: float
    token: str
    stored: list[int] = field(default_factory=list)
    refused: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        crops = [jpeg(320, 100, text) for text in plates(PICTURES)]
        frames = [jpeg(1280, 720, text) for text in plates(8)]
        self._threads = [
            threading.Thread(target=self._send, args=(number, self._key(number), crops, frames))
            for number in range(SENDERS)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _key(self, number: int) -> str:
        def make(path: str, **fields: Any) -> Any:
            headers = {"Authorization": f"Token {self.token}"}
            return self.server.json("POST", f"/api/v1/config/{path}", fields, **headers)

        camera = make("cameras", name=f"Camera {number}")["id"]
        sensor = make("sensors", name=f"Sensor {number}", camera=camera)["id"]
        return str(make(f"sensors/{sensor}/keys")["key"])

    def _send(self, number: int, key: str, crops: list[bytes], frames: list[bytes]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        chance = random.Random(number)  # noqa: S311 - traffic, not secrets
        pause = SENDERS / self.rate
        due = time.monotonic() + pause * number / SENDERS
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due += pause
            frame = chance.choice(frames) if chance.random() < 0.1 else b""
            body, boundary = multipart(chance, chance.choice(crops), frame)
            headers = {"Authorization": f"Api-Key {key}"}
            headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
            connection.request("POST", "/api/v1/events/ingest", body, headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
            if response.status == 201:
                self.stored.append(answer["id"])
            else:
                self.refused += 1
        connection.close()


def plates(count: int) -> list[str]:
    chance = random.Random(count)  # noqa: S311
    return [
        "".join(chance.choices(LETTERS, k=2) + chance.choices(DIGITS, k=4)) for _ in range(count)
    ]


def jpeg(width: int, height: int, text: str) -> bytes:
    from PIL import Image, ImageDraw

    noise = Image.effect_noise((width // 4, height // 4), 40).resize((width, height))
    image = noise.convert("RGB")
    ImageDraw.Draw(image).text((10, 10), text, fill=(255, 255, 255), font_size=height // 2)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=70)
    return file.getvalue()


def multipart(chance: random.Random, crop: bytes, frame: bytes) -> tuple[bytes, str]:
    event = {
        "event_id": str(uuid.uuid4()),
        "plate": "".join(chance.choices(LETTERS + DIGITS, k=7)),
        "confidence": round(chance.uniform(0.6, 1), 3),
        "captured_at": datetime.now(UTC).isoformat(),
        "region": chance.choice(["gb", "de", "fr", "nl"]),
        "bbox": [500, 300, 200, 60],
        "candidates": [{"plate": "A812CDE", "confidence": 0.41}],
        "vehicle": {"type": "car", "make": "Volkswagen", "model": "Golf", "color": "blue"},
    }
    boundary = uuid.uuid4().hex
    parts = [("event", "", json.dumps(event).encode()), ("crop", '; filename="c.jpg"', crop)]
    parts += [("frame", '; filename="f.jpg"', frame)] if frame else []
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode()
        + data
        + b"\r\n"
        for name, file, data in parts
    )
    return body + f"--{boundary}--\r\n".encode(), boundary


@dataclass
class Sample:
    at: float
    busy_s: float
    cpu_s: float
    parts: dict[str, float]
    heap_mb: float
    nodes: int
    listeners: int
    tab_mb: float


class Tab:
    """The live page, with what the browser and the kernel tell of it."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.page: Page = browser.new_page(viewport={"width": 1440, "height": 900})
        self.page.goto(f"{url}/live")
        self.page.fill("#id_username", "admin")
        self.page.fill("#id_password", PASSWORD)
        self.page.press("#id_password", "Enter")
        self.page.wait_for_selector('#state[data-state="live"]')
        self.page.evaluate(COUNTER)
        self.protocol = self.page.context.new_cdp_session(self.page)
        self.protocol.send("Performance.enable")
        processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
        self.pids = [item["id"] for item in processes["processInfo"] if item["type"] == "renderer"]
        self.seen: dict[int, float] = {}
        self.again = 0

    def count(self) -> None:
        for event, age_ms in self.page.evaluate("seenRows.splice(0)"):
            self.again += event in self.seen
            self.seen.setdefault(event, age_ms)

    def sample(self) -> Sample:
        answer = self.protocol.send("Performance.getMetrics")["metrics"]
        busy = {item["name"]: item["value"] for item in answer}
        # After the time is read: the collection is ours, not the page's.
        self.protocol.send("HeapProfiler.collectGarbage")
        answer = self.protocol.send("Performance.getMetrics")["metrics"]
        values = {item["name"]: item["value"] for item in answer}
        self.collecting_s = getattr(self, "collecting_s", 0.0)
        sample = Sample(
            at=busy["Timestamp"],
            busy_s=busy["TaskDuration"] - self.collecting_s,
            cpu_s=max(map(main_thread_s, self.pids)),
            parts={name: busy[name] for name in PARTS},
            heap_mb=values["JSHeapUsedSize"] / 1e6,
            nodes=int(values["Nodes"]),
            listeners=int(values["JSEventListeners"]),
            tab_mb=sum(map(resident_mb, self.pids)),
        )
        self.collecting_s += values["TaskDuration"] - busy["TaskDuration"]
        return sample


def resident_mb(pid: int) -> float:
    """What a process holds for itself, without files that it shares."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return 0.0
    return int(status.split("RssAnon:")[1].split()[0]) / 1e3


def main_thread_s(pid: int) -> float:
    """The CPU time of its first thread, which is the one that scripts and layout run on."""
    try:
        values = Path(f"/proc/{pid}/task/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(values[11]) + int(values[12])) / os.sysconf("SC_CLK_TCK")


def watch(tab: Tab, traffic: Traffic, seconds: float) -> list[Sample]:
    samples = [tab.sample()]
    start = time.monotonic()
    while (passed := time.monotonic() - start) < seconds:
        tab.page.wait_for_timeout(1000)
        tab.count()
        if passed >= len(samples) * SAMPLE_S:
            samples.append(tab.sample())
            one, other = samples[-2:]
            busy = (other.busy_s - one.busy_s) / (other.at - one.at)
            cpu = (other.cpu_s - one.cpu_s) / (other.at - one.at)
            print(
                f"{passed:5.0f} s  {len(tab.seen):6} rows  busy {busy:4.0%}  CPU {cpu:4.0%}  heap {other.heap_mb:5.1f}"
                f" MB  tab {other.tab_mb:6.1f} MB  nodes {other.nodes}  listeners {other.listeners}",
                flush=True,
            )
    traffic.stop()
    for _ in range(30):
        tab.page.wait_for_timeout(500)
        tab.count()
        if len(tab.seen) >= len(traffic.stored):
            break
    samples.append(tab.sample())
    return samples


def growth(values: list[float]) -> float:
    """From the second quarter, when all caches are full, to the last one."""
    quarter = max(1, len(values) // 4)
    return statistics.median(values[-quarter:]) - statistics.median(values[quarter : 2 * quarter])


def verdict(tab: Tab, traffic: Traffic, samples: list[Sample]) -> bool:
    missing = set(traffic.stored) - tab.seen.keys()
    first, last = samples[0], samples[-1]
    seconds = last.at - first.at
    busy, cpu = (last.busy_s - first.busy_s) / seconds, (last.cpu_s - first.cpu_s) / seconds
    heap, whole = growth([s.heap_mb for s in samples]), growth([s.tab_mb for s in samples])
    ages = sorted(tab.seen[event] for event in traffic.stored if event in tab.seen)
    print(f"sent {len(traffic.stored)}, refused {traffic.refused}, rows seen {len(tab.seen)}")
    print(f"missing {len(missing)}, twice {tab.again}, rows in the page at the end: ", end="")
    print(tab.page.locator("#reads li").count())
    parts = {name: (last.parts[name] - first.parts[name]) / seconds for name in PARTS}
    print(
        f"main thread busy {busy:.1%} (goal < {MOST_BUSY:.0%}), of the clock; CPU {cpu:.1%}; ",
        end="",
    )
    print(", ".join(f"{name} {share:.1%}" for name, share in parts.items()))
    print(f"heap {first.heap_mb:.1f} -> {last.heap_mb:.1f} MB, growth {heap:+.1f} MB")
    print(f"tab {first.tab_mb:.0f} -> {last.tab_mb:.0f} MB, growth {whole:+.1f} MB")
    shares = {name: ages[int(len(ages) * share)] for name, share in (("p50", 0.5), ("p99", 0.99))}
    print(f"from capture to row: p50 {shares['p50']:.0f} ms, p99 {shares['p99']:.0f} ms")
    return not missing and not tab.again and busy < MOST_BUSY and heap < MOST_GROWTH_MB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=600)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server("run", Path(folder), free_port(), {})
        server.start()
        try:
            login = {"username": "admin", "password": PASSWORD}
            token = server.json("POST", "/api/v1/auth/token", login)["token"]
            traffic = Traffic(server, wanted.rate, token)
            chromium = shutil.which("chromium") or shutil.which("google-chrome")
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            tab = Tab(browser, server.url)
            traffic.start()
            samples = watch(tab, traffic, wanted.seconds)
            is_good = verdict(tab, traffic, samples)
            browser.close()
        finally:
            server.kill()
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
