"""Overload: five times what the product can take; it turns away the rest, and does not rot.

A machine's speed changes from minute to minute by more than what is looked for. So overload and
peak take turns, and each overload is compared with the peaks just before and after it.
"""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import os
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

from processes import cpu_of
from reading import percentile

from ledger import growth
from ledger.checks import Finding
from ledger.crowd import Caller, Crowd, Pictures, Told
from ledger.installation import (
    Installation,
    cameras_and_keys,
    chance_for,
    installation,
    set_up_django,
)
from ledger.overload_checks import SHED, STORED, Story, checks, controls, p99_s
from ledger.report import tell_findings

PEAK_CONNECTIONS, NORMAL_CONNECTIONS = 64, 16
PROBE_EVERY_S = 0.2


class Prober(threading.Thread):
    """Asks for /liveness, on a new connection each time, and notes how long it took."""

    def __init__(self, made: Installation) -> None:
        super().__init__(daemon=True)
        self.made, self.took_s, self.stopping = made, list[float](), threading.Event()

    def run(self) -> None:
        while not self.stopping.wait(PROBE_EVERY_S):
            begun = time.monotonic()
            status, _ = self.made.server.call("GET", "/liveness")
            self.took_s.append(time.monotonic() - begun if status == 200 else float("inf"))


@dataclass(frozen=True)
class Stretch:
    """What came of so many seconds, and what the clients left of the machine meanwhile."""

    told: list[Told]
    seconds: float
    cores: float

    @property
    def accepted(self) -> float:
        """Accepted in a second."""
        return sum(one.status in STORED for one in self.told) / self.seconds

    @property
    def per_core(self) -> float:
        """Accepted in a second of a core.

        The clients share the machine, and what they take at five times the requests is not the
        product's to give.
        """
        return self.accepted / self.cores


def stretch(crowd: Crowd, seconds: float) -> Stretch:
    cores, cpu, begun = len(os.sched_getaffinity(0)), time.process_time(), time.monotonic()
    told = crowd.run(seconds)
    taken = (time.process_time() - cpu) / (time.monotonic() - begun)
    return Stretch(told, seconds, cores - taken)


def memory(made: Installation) -> dict[str, float]:
    return {one.process: one.rss_mb for one in growth.sample(growth.processes(made))}


class Turns:
    """A peak, an overload, a peak, an overload, and so on, of one installation."""

    def __init__(self, made: Installation, options: Any) -> None:
        self.made, self.options = made, options
        self.keys = [edge["key"] for edge in cameras_and_keys(made.server, made.login(), 10)]
        self.pictures, self.chance = Pictures(), chance_for(options.seed, "crowd")
        self.peaks, self.overloads = list[Stretch](), list[Stretch]()
        self.told, self.normal_after_s = list[Told](), 0.0
        # Megabytes of each process: before the first overload, and what came on top at most.
        self.at_first, self.grown_mb = dict[str, float](), dict[str, float]()

    def crowd(self, connections: int, pause_s: float, heeding: float = 1.0) -> Crowd:
        callers = [
            Caller(
                self.made.server.port,
                self.keys[n % len(self.keys)],
                self.pictures,
                heeds=n < connections * heeding,
            )
            for n in range(connections)
        ]
        return Crowd(callers, pause_s, self.chance)

    def peak(self) -> None:
        latest = stretch(self.crowd(PEAK_CONNECTIONS, 0.0), self.options.peak)
        self.peaks.append(latest)
        self.told += latest.told
        print(
            f"{PEAK_CONNECTIONS} connections: {latest.accepted:.0f} a second on "
            f"{latest.cores:.2f} cores, p99 {p99_s(latest.told):.2f} s",
            flush=True,
        )

    def overload(self) -> None:
        options = self.options
        self.at_first = self.at_first or memory(self.made)
        # Who heeds is away most of the time: the others make up what is offered.
        pause_s = options.connections * options.rude / (options.times * self.peaks[0].accepted)
        crowd = self.crowd(options.connections, pause_s, 1 - options.rude)
        assert self.made.server.process is not None  # noqa: S101 - for the type checker
        product = [self.made.server.process.pid]
        cpu, begun = cpu_of(product), time.monotonic()
        latest = stretch(crowd, options.seconds / options.turns)
        took_s = time.monotonic() - begun
        tell(latest, took_s, (cpu_of(product) - cpu) / took_s)
        self.overloads.append(latest)
        self.told += latest.told
        # Now, for threads that have nothing to do are soon given up.
        for name, mb in memory(self.made).items():
            grown = mb - self.at_first.get(name, mb)
            self.grown_mb[name] = max(grown, self.grown_mb.get(name, 0.0))

    def back_to_normal(self) -> None:
        """Few connections again: how long until a second passes in which all are served in time."""
        begun = time.monotonic()
        while (after_s := time.monotonic() - begun) <= self.options.normal:
            latest = self.crowd(NORMAL_CONNECTIONS, 0.05).run(1)
            self.told += latest
            if all(one.status in STORED for one in latest) and p99_s(latest) < 1:
                break
        self.normal_after_s = max(after_s, self.normal_after_s)

    def goodputs(self) -> list[float]:
        """Of each overload, as a share of the peaks around it."""
        around = zip(self.peaks, self.peaks[1:], strict=False)
        return [
            overload.per_core / mean((before.per_core, after.per_core))
            for overload, (before, after) in zip(self.overloads, around, strict=True)
        ]


def tell(latest: Stretch, took_s: float, product_cores: float) -> None:
    shed = [one.took_s for one in latest.told if one.status in SHED] or [0]
    print(
        f"overload: {len(latest.told) / took_s:.0f} requests a second, {latest.accepted:.0f} accepted, "
        f"p99 {p99_s(latest.told):.2f} s; turned away {len(shed)}, p50 {percentile(shed, 0.5):.2f} s, "
        f"p99 {percentile(shed, 0.99):.2f} s; CPU of the product {product_cores:.2f} cores of "
        f"{latest.cores:.2f} that these clients left",
        flush=True,
    )


def tell_all(story: Story) -> None:
    print(
        f"goodput {100 * median(story.goodputs):.0f} % of the peak for each core that the clients "
        f"left ({', '.join(f'{100 * one:.0f}' for one in story.goodputs)})\n"
        f"/liveness {len(story.probes)} times, p99 {percentile(story.probes, 0.99):.2f} s, longest "
        f"{max(story.probes):.2f} s; normal after {story.normal_after_s:.1f} s\n"
        f"answers: {dict(Counter(one.status for one in story.told))}; memory, MB: "
        f"{ {name: round(mb) for name, mb in story.grown_mb.items()} }"
    )


def overload(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    made = stack.enter_context(installation(folder, picture_mb=12_000))
    turns, prober = Turns(made, options), Prober(made)
    turns.peak()
    prober.start()
    for _ in range(options.turns):
        turns.overload()
        turns.back_to_normal()
        turns.peak()
    prober.stopping.set()
    prober.join()
    set_up_django(made)
    from events.models import PlateEvent

    story = Story(
        turns.goodputs(),
        turns.told,
        prober.took_s,
        [str(event_id) for event_id in PlateEvent.objects.values_list("event_id", flat=True)],
        turns.grown_mb,
        turns.normal_after_s,
    )
    tell_all(story)
    findings = [Finding(name, judge(story)) for name, judge in checks(options).items()]
    return tell_findings(findings, controls(story, options))
