"""What processes cost: CPU time and memory of whole process trees, from /proc (Linux)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from product import family

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """User and system time of the process with all its threads, and of its children that ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / TICKS


def trees(roots: Iterable[int]) -> set[int]:
    return {pid for root in roots for pid in family(root)}


def cpu_of(roots: Iterable[int]) -> float:
    return sum(map(cpu_s, trees(roots)))


def memory_mb(pid: int, name: str) -> float:
    """Return a line of /proc/<pid>/status: VmRSS (now), VmHWM (the most ever)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"{name} of process {pid} is not told")


def rss_mb(roots: Iterable[int]) -> float:
    """Memory of the trees; what several processes share is counted for each of them."""
    return sum(memory_mb(pid, "VmRSS") for pid in trees(roots))


@dataclass(frozen=True)
class Memory:
    """What one process holds: all of it, and its share of what several hold."""

    command: str
    rss_mb: float
    pss_mb: float

    @classmethod
    def of(cls, pid: int) -> Memory:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        kilobytes = {name: int(rest.split()[0]) for name, rest in (x.split(":") for x in rollup)}
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        return cls(" ".join(words[1:])[-60:], kilobytes["Rss"] / 1024, kilobytes["Pss"] / 1024)


def start(command: list[str], log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with log.open("ab") as file:
        return subprocess.Popen(  # noqa: S603 - our own command
            command, stdout=file, stderr=file, env=os.environ | environment, start_new_session=True
        )


def end(process: subprocess.Popen[bytes], seconds: float = 40) -> None:
    """Ask it to end, then make it, with all that it started."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        for pid in family(process.pid):
            os.kill(pid, signal.SIGKILL)
        process.wait()


def wait_until(ready: object, what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not ready():  # type: ignore[operator]
        if time.monotonic() > deadline:
            sys.exit(f"{what}: not after {seconds:.0f} s")
        time.sleep(0.05)
