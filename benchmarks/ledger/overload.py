"""Overload: five times what the product can take; it turns away the rest, and does not rot."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
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

PEAK_CONNECTIONS = (16, 64)
PROBE_EVERY_S = 0.2
STORED, SHED = {200, 201}, {429, 503}
RETRY_AFTER_S = range(2, 11)


@dataclass(frozen=True)
class Story:
    """What came of it."""

    # Accepted in a second of a core: the clients share the machine, and what they take at five times
    # the requests is not the product's to give.
    peak: float
    goodput: float
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


@contextmanager
def left_by_clients() -> Iterator[Callable[[], float]]:
    """Give what tells, once it is over, how many cores these clients left to the product."""
    cores, cpu, begun = len(os.sched_getaffinity(0)), time.process_time(), time.monotonic()
    ended: list[float] = []
    yield lambda: cores - ended[0]
    ended.append((time.process_time() - cpu) / (time.monotonic() - begun))


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
            "peak / goodput", story.peak / max(story.goodput, 0.01), 1 / options.goodput
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
        "goodput too low": replace(story, goodput=story.peak * options.goodput * 0.99),
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
        latest = crowd(PEAK_CONNECTIONS[0], 0.05).run(1)
        told += latest
        if all(one.status in STORED for one in latest) and p99_s(latest) < 1:
            break
    return told, after


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

    told, peaks = list[Told](), list[tuple[float, float]]()
    for connections in PEAK_CONNECTIONS:
        with left_by_clients() as cores:
            latest = crowd(connections, 0.0).run(options.peak)
        peaks.append((rate(latest, options.peak), cores()))
        told += latest
        print(
            f"{connections} connections: {peaks[-1][0]:.0f} a second on {cores():.2f} cores, "
            f"p99 {p99_s(latest):.2f} s"
        )
    peak, peak_cores = max(peaks)
    before, prober = memory(made), Prober(made)
    assert made.server.process is not None  # noqa: S101 - for the type checker
    cpu, begun = cpu_of([made.server.process.pid]), time.monotonic()
    prober.start()
    # Who heeds is away most of the time: the others make up what is offered.
    pause_s = options.connections * options.rude / (options.times * peak)
    with left_by_clients() as cores:
        under = crowd(options.connections, pause_s, 1 - options.rude).run(options.seconds)
    most = memory(made)
    prober.stopping.set()
    prober.join()
    took_s = time.monotonic() - begun
    after, normal_after_s = back_to_normal(crowd, options)
    set_up_django(made)
    from events.models import PlateEvent

    accepted = rate(under, options.seconds)
    story = Story(
        peak / peak_cores,
        accepted / cores(),
        told + under + after,
        prober.took_s,
        [str(event_id) for event_id in PlateEvent.objects.values_list("event_id", flat=True)],
        {name: mb - before[name] for name, mb in most.items() if name in before},
        normal_after_s,
    )
    shed = [one.took_s for one in under if one.status in SHED]
    print(
        f"{options.connections} connections, {len(under) / took_s:.0f} requests a second: "
        f"{accepted:.0f} accepted ({100 * accepted / peak:.0f} % of the peak; "
        f"{100 * story.goodput / story.peak:.0f} % for each core that the clients left), p99 "
        f"{p99_s(under):.2f} s; turned away {len(shed)}, p50 {percentile(shed or [0], 0.5):.2f} s, "
        f"p99 {percentile(shed or [0], 0.99):.2f} s\n"
        f"/liveness {len(prober.took_s)} times, p99 {percentile(prober.took_s, 0.99):.2f} s, longest "
        f"{max(prober.took_s):.2f} s; normal after {normal_after_s:.1f} s\n"
        f"CPU of the product {(cpu_of([made.server.process.pid]) - cpu) / took_s:.2f} cores of "
        f"{cores():.2f} that these clients left\n"
        f"answers: {dict(Counter(one.status for one in story.told))}; memory, MB: "
        f"{ {name: round(mb) for name, mb in story.grown_mb.items()} }"
    )
    findings = [Finding(name, judge(story)) for name, judge in checks(options).items()]
    return tell_findings(findings, controls(story, options))
