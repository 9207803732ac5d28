"""All parts in turn, each in a process of its own, and one report at the end."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Those that have no option --controls show theirs in any case.
FULL = {
    "run": ("--controls",),
    "hostile": ("--controls",),
    "schema": ("--controls",),
    "machine": ("--controls",),
    "drill": (),
    "synced": (),
    "looks": (),
    "poison": (),
    "inert": ("--controls",),
    "same": (),
    "points": (),
    "cut": (),
    "clocks": (),
    "guess": (),
    "slow": (),
    "dead": (),
    "away": (),
    "rotate": (),
    "retention": (),
    "overload": (),
    "soak": ("--controls",),
}
# So small that how long something took is no measure: the limits for time and memory are wide.
SMALL = {
    "run": (
        *("--controls", "--events", "400", "--rate", "40", "--sensors", "20"),
        *("--clients", "20", "--cut", "1", "4", "--pause", "0.5", "1.5", "--frozen", "2"),
    ),
    "hostile": ("--controls", "--uploads", "450", "--good", "60"),
    "schema": ("--examples", "2", "--phases", "examples,fuzzing,stateful"),
    "machine": ("--runs", "10", "--steps", "20"),
    "drill": ("--events", "60"),
    "looks": ("--looks", "40", "--count", "20"),
    # On a busy machine a broker may need seconds to be reached at all.
    "poison": (
        *("--good", "60", "--rate", "60", "--poison", "1", "--night", "0.5"),
        *("--stall", "30"),
    ),
    "same": ("--threads", "10", "--rounds", "3", "--others", "2"),
    "points": ("--kills", "1"),
    "clocks": ("--events", "400", "--looks", "40"),
    "guess": ("--pairs", "5", "--rounds", "1"),
    # In so short a time the circuit of Kafka does not open, and the usual third attempt is far off.
    "away": ("--before", "10", "--seconds", "25", "--longest-delay", "5"),
    "rotate": ("--changes", "2", "--wait", "3"),
    # The proxy waits ten seconds for a head.
    "cut": ("--cuts", "100", "--slow", "30", "--rate", "5", "--seconds", "16"),
    "inert": ("--controls", "--texts", "6", "--every", "6", "--lists", "6"),
    "retention": (
        *("--events", "1500", "--pictures", "100", "--rate", "30", "--before", "1"),
        *("--slower", "1000", "--waits", "30"),
    ),
    "overload": (
        *("--seconds", "3", "--peak", "1", "--turns", "1", "--connections", "600"),
        *("--goodput", "0.2"),
        *("--late", "8", "--p99", "15", "--normal", "60"),
    ),
    # Too short to find a leak: that the hour of it would, the controls show.
    "soak": (
        *("--controls", "--minutes", "0.1", "--every", "0.3", "--warm-up", "0.03"),
        *("--growth-mb", "3000", "--growth-fds", "3000"),
    ),
}
# As report.py writes them: what was checked, how much was found, what its control did.
LINE = re.compile(r"^(?=\S).{38,}? (?P<found>[ \d]{6,}?)(?:  (?P<control>red|WRONG.*|HAS NONE)?)?$")


@dataclass
class Done:
    """What one part came to."""

    name: str
    seconds: float
    status: int
    checks: int = 0
    found: int = 0
    red: int = 0

    def note(self, line: str) -> None:
        match = LINE.match(line)
        if match and (match["found"].strip() or match["control"]):
            self.checks += bool(match["found"].strip())
            self.found += int(match["found"].strip() or 0)
            self.red += match["control"] == "red"


def go(name: str, form: tuple[str, ...], options: argparse.Namespace) -> Done:
    """Run one part, and pass on what it says while it says it."""
    begun, done = time.monotonic(), Done(name, 0, 0)
    command = [sys.executable, str(HERE), "--seed", str(options.seed)]
    command += [*(["--keep"] if options.keep else []), name, *form]
    print(f"\n== {name} {' '.join(form)}", flush=True)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as part:  # noqa: S603
        assert part.stdout is not None  # noqa: S101 - for the type checker
        for line in part.stdout:
            print(line, end="", flush=True)
            done.note(line.rstrip("\n"))
    done.seconds, done.status = time.monotonic() - begun, part.returncode
    return done


def tell(done: list[Done]) -> None:
    print(f"\n{'part':12} {'seconds':>8} {'checks':>7} {'found':>6} {'controls red':>13}")
    for one in done:
        word = "holds" if one.status == 0 else "BROKEN"
        print(f"{one.name:12} {one.seconds:8.0f} {one.checks:7} {one.found:6} {one.red:13}  {word}")


def every(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    """All of them, or those that were named; what breaks does not keep the others from running."""
    forms = SMALL if options.small else FULL
    done = [go(name, forms[name], options) for name in options.parts or forms]
    tell(done)
    return sum(one.status != 0 for one in done)
