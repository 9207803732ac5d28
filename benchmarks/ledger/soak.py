"""The soak: an even load for an hour, nothing is broken, and nothing may grow or get lost."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import time
from contextlib import ExitStack
from pathlib import Path

from reading import percentile

from ledger import growth
from ledger.attack import (
    KB_PER_EVENT,
    end_streams,
    gather,
    settled,
    wait_until_drained,
    watch,
    witnesses_of,
)
from ledger.book import Book, Entry, read
from ledger.checks import examine
from ledger.controls import control
from ledger.edge import Allowance, Habits, Sensor
from ledger.installation import cameras_and_keys, chance_for, installation, set_up_django
from ledger.report import tell_findings

HABITS = Habits(without_picture=0.2, gives_up=0, most_pixels=32)
WINDOWS = 6


class SteadySensor(Sensor):
    """Sends at its own times, however long an answer takes."""

    def run(self) -> None:
        due = time.monotonic()
        while self.allowance.take(1):
            due += self.chance.expovariate(1 / self.pause_s)
            time.sleep(max(0.0, due - time.monotonic()))
            self.send_one()


def latencies_ms(entries: list[Entry]) -> list[tuple[float, float]]:
    """When each event was sent, and how long until it was acknowledged, retries included."""
    return [(e.sent_at, 1000 * (e.acked_at - e.sent_at)) for e in entries if e.outcome == "ok"]


def tell_latencies(entries: list[Entry]) -> None:
    found = sorted(latencies_ms(entries))
    begun, ended = found[0][0], found[-1][0]
    print(f"{len(found)} acknowledged, {len(found) / (ended - begun):.1f} a second")
    length = (ended - begun) / WINDOWS
    for number in range(WINDOWS):
        start = begun + number * length
        took = [ms for at, ms in found if start <= at < start + length]
        if took:
            shares = ", ".join(
                f"p{100 * share:g} {percentile(took, share):.0f}" for share in (0.5, 0.95, 0.99)
            )
            print(f"    from {(start - begun) / 60:.1f} min: {len(took)} events, ms: {shares}")
    retried = sum(entry.attempts > 1 for entry in entries)
    print(f"{retried} events needed more than one attempt")


def send_all(sensors: list[SteadySensor], sampler: growth.Sampler) -> None:
    for sensor in sensors:
        sensor.start()
    told = time.monotonic()
    while any(sensor.is_alive() for sensor in sensors):
        time.sleep(0.5)
        if time.monotonic() - told > 60:
            told = time.monotonic()
            print(f"    {sensors[0].allowance.left} events to send", flush=True)
            for line in growth.lines(sampler.samples, 0):
                print(f"        {growth.told(line)}", flush=True)


def soak(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    """Send for so long at that rate, then compare."""
    options.events = round(options.rate * options.minutes * 60)
    # Two files of a block or two each.
    room_mb = options.events * KB_PER_EVENT // 1024 + 64
    made = stack.enter_context(installation(folder, picture_mb=room_mb))
    token = made.login()
    edges = cameras_and_keys(made.server, token, options.sensors)
    witnesses, _, _ = witnesses_of(stack, made, token, options)
    cameras = [
        edges[number % len(edges)]["camera"] if number % 10 else None
        for number in range(options.clients)
    ]
    watching, told = watch(stack, made, token, cameras, options)
    book, allowance = Book(folder / "ledger.jsonl"), Allowance(options.events)
    sensors = [
        SteadySensor(
            number=edge["sensor"],
            key=edge["key"],
            port=made.server.port,
            book=book,
            allowance=allowance,
            chance=chance_for(options.seed, f"sensor {number}"),
            pause_s=len(edges) / options.rate,
            habits=HABITS,
        )
        for number, edge in enumerate(edges)
    ]
    sampler = growth.Sampler(made, options.every, folder / "samples.jsonl")
    begun = time.monotonic()
    send_all(sensors, sampler)
    samples = sampler.end()
    print(f"all sent after {time.monotonic() - begun:.0f} s", flush=True)
    set_up_django(made)
    is_drained = wait_until_drained(options.drain)
    print(f"{time.monotonic() - begun:.0f} s: {'' if is_drained else 'NOT '}drained", flush=True)
    end_streams(watching.stdin, cameras)
    watching.wait(timeout=120)
    arrivals = settled(witnesses)
    book.close()
    entries = read(book.path)
    found = gather(made, token, entries, told, arrivals, [])
    limits = (options.warm_up * 60, options.growth_mb, options.growth_fds)
    findings = [*growth.judge(samples, *limits), *examine(found)]
    tell_latencies(entries)
    for line in growth.lines(samples, limits[0]):
        print(growth.told(line))
    controls = None
    if options.controls:
        controls = growth.controls(samples, *limits) | control(found, made.storage.uploads)
    bad = tell_findings(findings, controls)
    print(f"\nseed {options.seed}: {len(entries)} events, {bad} lines are not as they should be")
    return bad
