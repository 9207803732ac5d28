#!/usr/bin/env python3
"""Measures the product beside a peer and beside what is possible; prints one table (docs/performance.md).

    make bench                                 everything, in some ten minutes on two cores
    make bench BENCH="--rows P1,P5"            some rows
    make bench BENCH="--full --publish"        longer turns, and the result in docs/

Starts what it needs itself, on loopback: PostgreSQL that keeps what it acknowledges, Redis,
`manage.py serve`, the peer (peer.py) and the floor (floor.py), two processes each, over one database server.
Programs take turns, A B A B, so that a machine that slows down slows both; what counts is the ratio
of the pairs. Exit status 1 when a goal is missed.
"""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

from findings import Finding, publish, read_json, table, write_json
from processes import end
from product import ROOT

ROWS = ("P1", "P2", "P3", "P4", "P5", "P6", "P7")
PACKAGES = ("Django", "granian", "uvicorn", "psycopg")
HERE = ROOT / "benchmarks"


def facts() -> dict[str, str]:
    """What the figures depend on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = {name: version(name) for name in PACKAGES}
    found = {"cores": f"{os.cpu_count()} ({model})", "memory": f"{memory:.0f} GB"}
    return found | {"Linux": platform.release(), "Python": platform.python_version()} | packages


def on_the_stacks(options: argparse.Namespace, wanted: set[str]) -> list[Finding]:
    """P1, P2 and P5, over one database server."""
    import ingest_rows
    import stacks
    import stream_row

    findings: list[Finding] = []
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=options.folder))
    with ExitStack() as started:
        machine = started.enter_context(stacks.machine(folder))
        ours = started.enter_context(stacks.ours(machine))
        if "P5" in wanted:
            seconds = options.stream_seconds
            findings += stream_row.stream(machine, ours, sockets=options.sockets, seconds=seconds)
        if wanted & {"P1", "P2"}:
            peer = started.enter_context(stacks.peer(machine))
            floor = started.enter_context(stacks.floor(machine))
            sizes = {"pairs": options.pairs, "seconds": options.seconds}
            if "P1" in wanted:
                findings += ingest_rows.single(machine, [ours, peer, floor], **sizes)
            if "P2" in wanted:
                findings += ingest_rows.batches(machine, [ours, peer], **sizes)
    # After a failure it stays, with the logs.
    shutil.rmtree(folder, ignore_errors=True)
    return findings


def history(options: argparse.Namespace, wanted: set[str]) -> list[Finding]:
    """P3 and P4, each size in a database of its own; with `--data` they stay, and are used again."""
    import reading_rows
    import stacks

    folder = options.data or Path(tempfile.mkdtemp(prefix="bench-", dir=options.folder))
    folder.mkdir(parents=True, exist_ok=True)
    with stacks.machine(folder) as machine:
        findings = reading_rows.reading(
            machine, sizes=options.events, pairs=options.pairs, rounds=options.rounds
        )
    if not options.data:
        shutil.rmtree(folder, ignore_errors=True)
    return [finding for finding in findings if finding.row in wanted]


def delivery(options: argparse.Namespace) -> list[Finding]:
    """P6 is a program of its own: it works inside the product, on an installation of its own."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [sys.executable, str(HERE / "delivery_rate.py"), "--pairs", str(options.pairs)]
        command += ["--scale", str(options.scale), "--json", file.name]
        process = subprocess.Popen(command, stdout=sys.stderr)  # noqa: S603 - our own command
        try:
            process.wait()
        finally:
            end(process)
        return read_json(Path(file.name))


def measure(options: argparse.Namespace) -> list[Finding]:
    wanted = set(options.rows.split(","))
    findings: list[Finding] = []
    if wanted & {"P1", "P2", "P5"}:
        findings += on_the_stacks(options, wanted)
    if wanted & {"P3", "P4"}:
        findings += history(options, wanted)
    if "P6" in wanted:
        findings += delivery(options)
    if "P7" in wanted:
        import start_rows

        findings += start_rows.starts(pairs=options.pairs)
    return sorted(findings, key=lambda finding: finding.row)


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default=",".join(ROWS), help="of " + ",".join(ROWS))
    parser.add_argument("--full", action="store_true", help="longer turns: better figures")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=float, help="of each turn of P1 and P2")
    sizes_of = "of P3 and P4, the larger last, like 30000,300000"
    parser.add_argument("--events", type=numbers, help=sizes_of)
    parser.add_argument("--rounds", type=int, help="of each turn of P3 and P4")
    parser.add_argument("--sockets", type=int, default=1000, help="of P5")
    parser.add_argument("--stream-seconds", type=float, help="of P5")
    parser.add_argument("--scale", type=float, help="of the number of events of P6")
    parser.add_argument("--folder", help="where data and pictures go; a disk, not memory")
    keeps = "where the history of P3 and P4 stays: what is there already is not loaded again"
    parser.add_argument("--data", type=Path, help=keeps)
    parser.add_argument("--json", type=Path, help="write all figures here")
    parser.add_argument("--publish", action="store_true", help="write them into docs/, with a plot")
    options = parser.parse_args()
    sizes = {"seconds": (3, 10), "stream_seconds": (15, 60), "scale": (0.2, 1), "rounds": (20, 100)}
    if options.events is None:
        options.events = [1_000_000, 10_000_000] if options.full else [30_000, 300_000]
    for name, (usual, full) in sizes.items():
        if getattr(options, name) is None:
            setattr(options, name, full if options.full else usual)
    return options


def main() -> int:
    options = parsed()
    # Who ends it from outside ends its servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    told = facts()
    findings = measure(options)
    print(f"\n{table(findings)}\n\n" + "; ".join(f"{k} {v}" for k, v in told.items()))
    if options.json:
        write_json(findings, told, options.json)
    if options.publish:
        docs = ROOT / "docs"
        publish(findings, told, docs)
        files = [str(docs / "performance.json"), str(docs / "performance.png")]
        python = ROOT / ".venv" / "bench" / "bin" / "python"
        subprocess.run([str(python), str(HERE / "plot.py"), *files], check=True)  # noqa: S603
    return int(not all(finding.is_met for finding in findings))


if __name__ == "__main__":
    sys.exit(main())
