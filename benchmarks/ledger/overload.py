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
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain
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
from ledger.report import tell_findings

PEAK_CONNECTIONS, NORMAL_CONNECTIONS = 64, 16
PROBE_EVERY_S = 0.2
STORED, SHED = {200, 201}, {429, 503}
RETRY_AFTER_S = range(2, 11)


@dataclass(frozen=True)
class Story:
    """What came of it."""

    # Of each turn, as a share of the peaks around it.
    goodputs: list[float]
    told: list[Told]
    probes: list[float]
    stored: list[str]
    grown_mb: dict[str, float]
    normal_after_s: float


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


def rate(told: list[Told], seconds: float) -> float:
    return sum(one.status in STORED for one in told) / seconds


@dataclass(frozen=True)
class Stretch:
    """What came of so many seconds: answers, accepted in a second, cores left to the product."""

    told: list[Told]
    accepted: float
    cores: float

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
    return Stretch(told, rate(told, seconds), cores - taken)


def p99_s(told: list[Told]) -> float:
    return percentile([one.took_s for one in told if one.status in STORED] or [0.0], 0.99)


Judge = Callable[[Story], list[str]]


def checks(options: Any) -> dict[str, Judge]:
    def unexpected(story: Story) -> list[str]:
        statuses = Counter(one.status for one in story.told) - Counter({0: len(story.told)})
        return [f"{n} times {s}" for s, n in statuses.items() if s not in STORED | SHED]

    def no_time(story: Story) -> list[str]:
        fair = {str(seconds) for seconds in RETRY_AFTER_S}
        shed = [one for one in story.told if one.status in SHED]
        return [f"Retry-After {o.retry_after!r}" for o in shed if o.retry_after not in fair]

    def unanswered(story: Story) -> list[str]:
        return [f"after {one.took_s:.1f} s" for one in story.told if not one.status]

    def missing(story: Story) -> list[str]:
        stored = set(story.stored)
        acknowledged = [one.event_id for one in story.told if one.status in STORED]
        return [event_id for event_id in acknowledged if event_id not in stored]

    def doubled(story: Story) -> list[str]:
        return [event_id for event_id, n in Counter(story.stored).items() if n > 1]

    def over(what: str, value: float, most: float) -> list[str]:
        return [f"{what}: {value:.2f}, at most {most:g}"] if value > most else []

    return {
        "nothing turned away": lambda story: (
            [] if any(one.status in SHED for one in story.told) else ["it was no overload"]
        ),
        "answer of another kind": unexpected,
        "turned away without a fair time": no_time,
        "closed without an answer": unanswered,
        "goodput too low": lambda story: over(
            "peak / goodput", 1 / max(median(story.goodputs), 0.01), 1 / options.goodput
        ),
        "acknowledged but missing": missing,
        "stored twice": doubled,
        "/liveness late": lambda story: over("seconds", max(story.probes), options.late),
        "accepted late": lambda story: over("p99, s", p99_s(story.told), options.p99),
        "not back to normal": lambda story: over("s", story.normal_after_s, options.normal),
        "memory grows": lambda story: [
            problem
            for name, mb in story.grown_mb.items()
            for problem in over(name, mb, options.growth_mb)
        ],
    }


def changed(story: Story, status: int, to: dict[str, Any]) -> list[Told]:
    """The answers, one with that status altered."""
    place = next(n for n, one in enumerate(story.told) if one.status == status)
    return [*story.told[:place], replace(story.told[place], **to), *story.told[place + 1 :]]


def controls(story: Story, options: Any) -> dict[str, str]:
    """Damage one thing after the other; exactly its check has to see it."""
    accepted = next(one.event_id for one in story.told if one.status in STORED)
    damaged = {
        "nothing turned away": replace(story, told=[o for o in story.told if o.status not in SHED]),
        "answer of another kind": replace(story, told=changed(story, 503, {"status": 500})),
        "turned away without a fair time": replace(
            story, told=changed(story, 503, {"retry_after": "11"})
        ),
        "closed without an answer": replace(story, told=changed(story, 503, {"status": 0})),
        "goodput too low": replace(story, goodputs=[options.goodput * 0.99]),
        "acknowledged but missing": replace(
            story, stored=[one for one in story.stored if one != accepted]
        ),
        "stored twice": replace(story, stored=[*story.stored, accepted]),
        "/liveness late": replace(story, probes=[*story.probes, options.late * 1.01]),
        "accepted late": replace(
            story, told=[replace(one, took_s=one.took_s + options.p99) for one in story.told]
        ),
        "not back to normal": replace(story, normal_after_s=options.normal * 1.01),
        "memory grows": replace(story, grown_mb={"api": options.growth_mb * 1.01}),
    }
    judges = checks(options)
    before = {name for name, judge in judges.items() if judge(story)}
    said = {}
    for name, other in damaged.items():
        turned = {check for check, judge in judges.items() if judge(other)} - before
        said[name] = "red" if turned == {name} else f"WRONG: {turned or 'green'}"
    return said


def memory(made: Installation) -> dict[str, float]:
    return {one.process: one.rss_mb for one in growth.sample(growth.processes(made))}


def back_to_normal(crowd: Callable[[int, float], Crowd], options: Any) -> tuple[list[Told], float]:
    """Few connections again: how long until a second passes in which each is served in time."""
    begun, told = time.monotonic(), list[Told]()
    while (after := time.monotonic() - begun) <= options.normal:
        latest = crowd(NORMAL_CONNECTIONS, 0.05).run(1)
        told += latest
        if all(one.status in STORED for one in latest) and p99_s(latest) < 1:
            break
    return told, after


def goodput(under: Stretch, before: Stretch, after: Stretch) -> float:
    return under.per_core / mean((before.per_core, after.per_core))


def tell(under: Stretch, took_s: float, product_cores: float) -> None:
    shed = [one.took_s for one in under.told if one.status in SHED] or [0]
    print(
        f"overload: {len(under.told) / took_s:.0f} requests a second, {under.accepted:.0f} accepted, "
        f"p99 {p99_s(under.told):.2f} s; turned away {len(shed)}, p50 {percentile(shed, 0.5):.2f} s, "
        f"p99 {percentile(shed, 0.99):.2f} s; CPU of the product {product_cores:.2f} cores of "
        f"{under.cores:.2f} that these clients left",
        flush=True,
    )


def overload(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    made = stack.enter_context(installation(folder, picture_mb=12_000))
    keys = [edge["key"] for edge in cameras_and_keys(made.server, made.login(), 10)]
    chance, pictures = chance_for(options.seed, "crowd"), Pictures()

    def crowd(connections: int, pause_s: float, heeding: float = 1.0) -> Crowd:
        callers = [
            Caller(made.server.port, keys[n % 10], pictures, heeds=n < connections * heeding)
            for n in range(connections)
        ]
        return Crowd(callers, pause_s, chance)

    def peak() -> Stretch:
        latest = stretch(crowd(PEAK_CONNECTIONS, 0.0), options.peak)
        print(
            f"{PEAK_CONNECTIONS} connections: {latest.accepted:.0f} a second on "
            f"{latest.cores:.2f} cores, p99 {p99_s(latest.told):.2f} s",
            flush=True,
        )
        return latest

    peaks, unders, normal = [peak()], list[Stretch](), list[tuple[list[Told], float]]()
    before, prober = memory(made), Prober(made)
    assert made.server.process is not None  # noqa: S101 - for the type checker
    product = [made.server.process.pid]
    # Who heeds is away most of the time: the others make up what is offered.
    pause_s = options.connections * options.rude / (options.times * peaks[0].accepted)
    prober.start()
    for _ in range(options.turns):
        cpu, begun = cpu_of(product), time.monotonic()
        under = crowd(options.connections, pause_s, 1 - options.rude)
        unders.append(stretch(under, options.seconds / options.turns))
        took_s = time.monotonic() - begun
        tell(unders[-1], took_s, (cpu_of(product) - cpu) / took_s)
        normal.append(back_to_normal(crowd, options))
        peaks.append(peak())
    most = memory(made)
    prober.stopping.set()
    prober.join()
    set_up_django(made)
    from events.models import PlateEvent

    told = [stretch.told for stretch in [*peaks, *unders]] + [latest for latest, _ in normal]
    story = Story(
        [goodput(*one) for one in zip(unders, peaks, peaks[1:], strict=False)],
        list(chain.from_iterable(told)),
        prober.took_s,
        [str(event_id) for event_id in PlateEvent.objects.values_list("event_id", flat=True)],
        {name: mb - before[name] for name, mb in most.items() if name in before},
        max(after_s for _, after_s in normal),
    )
    print(
        f"goodput {100 * median(story.goodputs):.0f} % of the peak for each core that the clients "
        f"left ({', '.join(f'{100 * one:.0f}' for one in story.goodputs)})\n"
        f"/liveness {len(prober.took_s)} times, p99 {percentile(prober.took_s, 0.99):.2f} s, longest "
        f"{max(prober.took_s):.2f} s; normal after {story.normal_after_s:.1f} s\n"
        f"answers: {dict(Counter(one.status for one in story.told))}; memory, MB: "
        f"{ {name: round(mb) for name, mb in story.grown_mb.items()} }"
    )
    findings = [Finding(name, judge(story)) for name, judge in checks(options).items()]
    return tell_findings(findings, controls(story, options))
