"""What each process holds, over time: memory and descriptors, and whether they grow."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from processes import memory_mb
from product import family

from ledger.checks import Finding
from ledger.installation import PROCESSES, Installation

TEN_MINUTES_S = 600


@dataclass(frozen=True)
class Sample:
    at: float
    process: str
    rss_mb: float
    descriptors: int


def name_of(pid: int, command: str) -> str:
    # First, for its command line holds those of the others.
    for name, part in ({"supervisor": "anpr_project.supervisor"} | PROCESSES).items():
        if part in command:
            return f"{name} {pid}"
    return f"other {pid}"


def sample(pids: dict[int, str]) -> list[Sample]:
    found, now = [], time.monotonic()
    for pid, name in pids.items():
        # It may have ended since it was listed.
        with suppress(OSError, RuntimeError):
            count = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
            found.append(Sample(now, name, memory_mb(pid, "VmRSS"), count))
    return found


def processes(made: Installation) -> dict[int, str]:
    """The product's own processes, and Redis: PostgreSQL keeps its memory by itself."""
    assert made.server.process is not None  # noqa: S101 - for the type checker
    found = {made.redis.process.pid: "redis"}
    for pid in family(made.server.process.pid):
        with suppress(OSError):
            line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            # What `family` itself started to look is gone, and has no line.
            if line:
                found[pid] = name_of(pid, line)
    return found


@dataclass
class Sampler:
    """Looks every so often, in a thread, and writes down what it sees."""

    made: Installation
    every_s: float
    output: Path
    samples: list[Sample] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with self.output.open("a", buffering=1) as file:
            while not self.stopping.wait(self.every_s):
                for one in sample(processes(self.made)):
                    self.samples.append(one)
                    file.write(json.dumps(asdict(one)) + "\n")

    def end(self) -> list[Sample]:
        self.stopping.set()
        self._thread.join()
        return self.samples


def slope(points: list[tuple[float, float]]) -> float:
    """Return the growth in ten minutes by least squares; 0 for fewer than two points."""
    if len(points) < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return TEN_MINUTES_S * sum((x - mean_x) * (y - mean_y) for x, y in points) / spread


@dataclass(frozen=True)
class Line:
    """One process after the warm-up."""

    process: str
    samples: int
    first_mb: float
    last_mb: float
    most_mb: float
    mb_in_ten_minutes: float
    descriptors: tuple[int, int]
    descriptors_in_ten_minutes: float


def lines(samples: list[Sample], warm_up_s: float) -> list[Line]:
    begun = samples[0].at
    by_process: dict[str, list[Sample]] = {}
    for one in samples:
        if one.at - begun >= warm_up_s:
            by_process.setdefault(one.process, []).append(one)
    return [
        Line(
            process=process,
            samples=len(those),
            first_mb=those[0].rss_mb,
            last_mb=those[-1].rss_mb,
            most_mb=max(one.rss_mb for one in those),
            mb_in_ten_minutes=slope([(one.at, one.rss_mb) for one in those]),
            descriptors=(
                min(one.descriptors for one in those),
                max(one.descriptors for one in those),
            ),
            descriptors_in_ten_minutes=slope([(one.at, one.descriptors) for one in those]),
        )
        for process, those in sorted(by_process.items())
    ]


def told(line: Line) -> str:
    return (
        f"{line.process:20} {line.first_mb:7.1f} MB, then {line.last_mb:7.1f}, "
        f"at most {line.most_mb:7.1f}; {line.mb_in_ten_minutes:+.2f} MB in ten minutes; "
        f"{line.descriptors[0]} to {line.descriptors[1]} descriptors, "
        f"{line.descriptors_in_ten_minutes:+.2f} in ten minutes"
    )


def _replaced(samples: list[Sample]) -> list[str]:
    """Whatever was there at first and is not at the end, or the other way round."""
    first = {one.process for one in samples if one.at == samples[0].at}
    last = {one.process for one in samples if one.at == samples[-1].at}
    return sorted(first ^ last)


def judge(
    samples: list[Sample], warm_up_s: float, most_mb: float, most_fds: float
) -> list[Finding]:
    found = lines(samples, warm_up_s)
    return [
        Finding("a process was replaced", _replaced(samples)),
        Finding("memory grows", [told(line) for line in found if line.mb_in_ten_minutes > most_mb]),
        Finding(
            "descriptors grow",
            [told(line) for line in found if line.descriptors_in_ten_minutes > most_fds],
        ),
    ]


Change = Callable[[Sample, float], Sample]


def controls(
    samples: list[Sample], warm_up_s: float, most_mb: float, most_fds: float
) -> dict[str, str]:
    """Make one process leak a little more than allowed, or vanish; exactly its check has to see it."""
    victim, begun = samples[0].process, samples[0].at
    grown = {line.process: line for line in lines(samples, warm_up_s)}[victim]
    mb = 1.1 * (most_mb - grown.mb_in_ten_minutes) / TEN_MINUTES_S
    fds = 1.1 * (most_fds - grown.descriptors_in_ten_minutes) + 1

    def leak(one: Sample) -> Sample:
        return replace(one, rss_mb=one.rss_mb + mb * (one.at - begun))

    def leave_open(one: Sample) -> Sample:
        more = round(fds * (one.at - begun) / TEN_MINUTES_S)
        return replace(one, descriptors=one.descriptors + more)

    last = samples[-1].at
    damaged = {
        "a process was replaced": [
            one for one in samples if one.process != victim or one.at != last
        ],
        "memory grows": [leak(one) if one.process == victim else one for one in samples],
        "descriptors grow": [leave_open(one) if one.process == victim else one for one in samples],
    }
    limits = (warm_up_s, most_mb, most_fds)
    before = {finding.check for finding in judge(samples, *limits) if finding.problems}
    said = {}
    for name, changed in damaged.items():
        turned = {finding.check for finding in judge(changed, *limits) if finding.problems} - before
        said[name] = "red" if turned == {name} else f"WRONG: {turned or 'green'}"
    return said
