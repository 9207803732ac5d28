#!/usr/bin/env python3
"""What the live page costs the browser at 50 reads a second, and whether it drops any.

    live_page.py [--rate 50] [--seconds 600]

Starts the product, sends reads with crops (every tenth with a frame, too) from several sensors, and
opens the page in Chromium. The reads are counted where a person sees them: rows that came into the
list. The browser says how long its main thread was busy and how large the heap is after a
collection; the kernel says what the whole process of the tab holds.
"""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from chromium import Target, chromium
from crop_traffic import Traffic
from product import PASSWORD, Server, free_port

SAMPLE_S = 10
# What the browser tells apart of its main thread's time; the rest is painting, loading and tasks.
PARTS = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration")
MOST_BUSY = 0.30
# What may come to the tab between the first and the last quarter of the run.
MOST_GROWTH_MB = 5.0
LOG_IN = f"""
document.getElementById("id_username").value = "admin";
document.getElementById("id_password").value = "{PASSWORD}";
document.getElementById("id_username").form.requestSubmit();
"""
# Tells which rows came into the list since it was asked last, and how old the reads then were.
COUNTER = """
globalThis.seenRows = [];
new MutationObserver((changes) => {
  for (const { addedNodes } of changes)
    for (const row of addedNodes) seenRows.push([+row.dataset.id, Date.now() - Date.parse(row.querySelector("time").dateTime)]);
}).observe(document.getElementById("reads"), { childList: true });
"""


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

    def __init__(self, page: Target, browser: Target, url: str) -> None:
        self.page = page
        page.send("Page.navigate", url=f"{url}/live")
        page.wait_until(
            "document.readyState === 'complete' && !!document.getElementById('id_username')"
        )
        page.evaluate(LOG_IN)
        page.wait_until("document.getElementById('state')?.dataset.state === 'live'")
        page.evaluate(COUNTER)
        page.send("Performance.enable")
        processes = browser.send("SystemInfo.getProcessInfo")["processInfo"]
        self.pids = [item["id"] for item in processes if item["type"] == "renderer"]
        self.collecting_s = 0.0
        self.seen: dict[int, float] = {}
        self.again = 0

    def count(self) -> None:
        for event, age_ms in self.page.evaluate("seenRows.splice(0)"):
            self.again += event in self.seen
            self.seen.setdefault(event, age_ms)

    def sample(self) -> Sample:
        answer = self.page.send("Performance.getMetrics")["metrics"]
        busy = {item["name"]: item["value"] for item in answer}
        # After the time is read: the collection is ours, not the page's.
        self.page.send("HeapProfiler.collectGarbage")
        answer = self.page.send("Performance.getMetrics")["metrics"]
        values = {item["name"]: item["value"] for item in answer}
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
        time.sleep(1)
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
        time.sleep(0.5)
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
    print(tab.page.evaluate("document.querySelectorAll('#reads li').length"))
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
    with tempfile.TemporaryDirectory() as folder:
        server = Server("run", Path(folder), free_port(), {})
        server.start()
        try:
            login = {"username": "admin", "password": PASSWORD}
            token = server.json("POST", "/api/v1/auth/token", login)["token"]
            traffic = Traffic(server, wanted.rate, token)
            with chromium(Path(folder) / "chromium") as (page, browser):
                tab = Tab(page, browser, server.url)
                traffic.start()
                samples = watch(tab, traffic, wanted.seconds)
                is_good = verdict(tab, traffic, samples)
        finally:
            server.kill()
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
