"""The command line of the harness."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from pkgutil import resolve_name

Part = Callable[[argparse.Namespace, Path, ExitStack], int]


def run(options: argparse.Namespace, folder: Path, stack: ExitStack) -> int:
    """Attack, then compare."""
    from ledger.attack import attack
    from ledger.checks import examine
    from ledger.controls import control
    from ledger.report import tell_attack, tell_findings

    done = attack(options, folder, stack)
    findings = examine(done.found)
    controls = control(done.found, done.made.storage.uploads) if options.controls else None
    tell_attack(done.nemesis.faults, done.proxy_log, done.found.entries, done.found)
    bad = tell_findings(findings, controls)
    print(
        f"\nseed {options.seed}: {len(done.found.entries)} events, {done.nemesis.kills} kills, "
        f"{done.took_s:.0f} s, {bad} lines are not as they should be"
    )
    return bad


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ledger", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--keep", action="store_true", help="keep logs and data in any case")
    parts = parser.add_subparsers(required=True)
    part = parts.add_parser("all", help="all parts in turn, for hours; --small: for minutes")
    part.set_defaults(part="ledger.every:every")
    part.add_argument("--small", action="store_true", help="as in the tests")
    part.add_argument("--parts", nargs="*", help="some of them only")
    part = parts.add_parser("run", help="the faults: kill, cut, stall, fill, and compare")
    part.set_defaults(part="ledger.command:run")
    part.add_argument("--events", type=int, default=20_000)
    part.add_argument("--rate", type=float, default=25, help="events a second, all sensors")
    part.add_argument("--sensors", type=int, default=10)
    part.add_argument("--clients", type=int, default=200, help="of the stream")
    part.add_argument("--cut", type=float, nargs=2, default=[5, 30], help="seconds between cuts")
    part.add_argument("--pause", type=float, nargs=2, default=[3, 7], help="between faults")
    part.add_argument("--frozen", type=float, default=10, help="seconds that a process stands")
    part.add_argument("--drain", type=float, default=300, help="seconds for the deliveries left")
    part.add_argument("--sink-faults", type=float, default=0.3, help="share of webhooks that fail")
    part.add_argument("--controls", action="store_true", help="each check must see its control")
    part = parts.add_parser("hostile", help="thousands of uploads that want to do harm")
    part.set_defaults(part="ledger.hostile:hostile")
    part.add_argument("--uploads", type=int, default=10_000)
    part.add_argument("--good", type=int, default=500, help="of them good ones")
    part.add_argument("--controls", action="store_true", help="each check must see its control")
    part = parts.add_parser("soak", help="an even load for an hour: nothing may grow")
    part.set_defaults(part="ledger.soak:soak")
    part.add_argument("--minutes", type=float, default=60)
    part.add_argument("--rate", type=float, default=60, help="events a second, all sensors")
    part.add_argument("--sensors", type=int, default=20)
    part.add_argument("--clients", type=int, default=20, help="of the stream")
    part.add_argument("--cut", type=float, nargs=2, default=[30, 120], help="seconds between cuts")
    part.add_argument("--drain", type=float, default=300, help="seconds for the deliveries left")
    part.add_argument("--sink-faults", type=float, default=0.02, help="share of webhooks that fail")
    part.add_argument("--every", type=float, default=10, help="seconds between looks")
    part.add_argument("--warm-up", type=float, default=10, help="minutes that do not count")
    part.add_argument("--growth-mb", type=float, default=1, help="allowed in ten minutes")
    part.add_argument("--growth-fds", type=float, default=1, help="allowed in ten minutes")
    part.add_argument("--controls", action="store_true", help="each check must see its control")
    part = parts.add_parser("drill", help="back up, lose everything, restore, compare")
    part.set_defaults(part="ledger.drill:drill")
    part.add_argument("--events", type=int, default=1000, help="before, and while it backs up")
    part = parts.add_parser("synced", help="what is synced before an answer, by strace")
    part.set_defaults(part="ledger.synced:synced")
    part.add_argument("--events", type=int, default=200)
    part = parts.add_parser("looks", help="who looked: written down, and not to be bent")
    part.set_defaults(part="ledger.looks:looks")
    part.add_argument("--looks", type=int, default=2000)
    part.add_argument("--count", type=int, default=1000, help="of tamperings, and of flipped bits")
    part = parts.add_parser("poison", help="what sinks can never take, among good events")
    part.set_defaults(part="ledger.poison:poison_run")
    part.add_argument("--good", type=int, default=1000)
    part.add_argument("--rate", type=float, default=50, help="events a second")
    part.add_argument("--poison", type=int, default=10, help="of each kind, among the good")
    part.add_argument("--night", type=float, default=20, help="seconds with one of each kind alone")
    part.add_argument("--stall", type=float, default=5, help="seconds a good one may wait")
    part = parts.add_parser("same", help="fifty threads with one event id at the same moment")
    part.set_defaults(part="ledger.same:same")
    part.add_argument("--threads", type=int, default=50)
    part.add_argument("--rounds", type=int, default=200, help="in which all send the same")
    part.add_argument("--others", type=int, default=50, help="in which five contents are sent")
    part = parts.add_parser("points", help="the API dies at named steps of an ingest, by strace")
    part.set_defaults(part="ledger.points:points")
    part.add_argument("--kills", type=int, default=10, help="at each of the six points")
    part = parts.add_parser(
        "cut", help="uploads cut at a random byte, and slow clients, by a proxy"
    )
    part.set_defaults(part="ledger.cut:cut_run")
    part.add_argument("--cuts", type=int, default=5000)
    part.add_argument("--slow", type=int, default=200, help="clients that send a byte a second")
    part.add_argument("--rate", type=float, default=10, help="good events a second")
    part.add_argument("--seconds", type=float, default=60, help="alone, and beside the slow ones")
    part = parts.add_parser("clocks", help="events whose sensors' clocks are wrong")
    part.set_defaults(part="ledger.clocks:clocks")
    part.add_argument("--events", type=int, default=10_000)
    part.add_argument("--looks", type=int, default=500, help="events that are searched for")
    part = parts.add_parser("guess", help="wrong passwords from many addresses, for many names")
    part.set_defaults(part="ledger.guess:guess")
    part.add_argument("--pairs", type=int, default=100, help="addresses, and then names")
    part.add_argument("--tries", type=int, default=10, help="for each")
    part.add_argument("--rounds", type=int, default=10, help="of ten tries at the same moment")
    part = parts.add_parser("rotate", help="signing secrets that change while messages are sent")
    part.set_defaults(part="ledger.rotate:rotate")
    part.add_argument("--rate", type=float, default=40, help="events a second")
    part.add_argument("--changes", type=int, default=20)
    part.add_argument("--wait", type=float, default=5, help="seconds between steps of a change")
    part.add_argument("--faults", type=float, default=0.05, help="share of messages that fail")
    part = parts.add_parser("slow", help="clients of the stream that stop reading harm nobody else")
    part.set_defaults(part="ledger.slow:slow")
    part.add_argument("--clients", type=int, default=200)
    part.add_argument("--stopping", type=int, default=20, help="of them stop reading")
    part.add_argument("--rate", type=float, default=50, help="events a second, each of 10 kB")
    part.add_argument("--seconds", type=float, default=120, help="of each of the four turns")
    part = parts.add_parser("dead", help="a dead sink and a slow one beside eight that are well")
    part.set_defaults(part="ledger.dead_sinks:dead_sinks")
    part.add_argument("--rate", type=float, default=20, help="events a second")
    part.add_argument("--seconds", type=float, default=180, help="of each of the two turns")
    part = parts.add_parser("away", help="sinks of each kind are away for minutes, beside others")
    part.set_defaults(part="ledger.away:away")
    part.add_argument("--rate", type=float, default=20, help="events a second, all cameras")
    part.add_argument("--before", type=float, default=60, help="seconds, and as many after")
    part.add_argument("--seconds", type=float, default=600, help="that they are away")
    part.add_argument("--drain", type=float, default=300, help="seconds allowed for the backlog")
    part.add_argument("--longest-delay", type=float, default=86_400, help="seconds, of a retry")
    part = parts.add_parser("inert", help="hostile texts everywhere: what comes out is only text")
    part.set_defaults(part="ledger.inert.part:inert")
    part.add_argument("--texts", type=int, default=500)
    part.add_argument("--every", type=int, default=1, help="of so many, one has pages of its own")
    part.add_argument("--lists", type=int, default=1, help="of so many lists, one is opened")
    part.add_argument("--controls", action="store_true", help="each check must see its control")
    part = parts.add_parser(
        "retention", help="what is due goes without a trace, what is held stays"
    )
    part.set_defaults(part="ledger.retention:retention")
    part.add_argument("--events", type=int, default=100_000)
    part.add_argument("--pictures", type=int, default=2000, help="of so many events, two each")
    part.add_argument("--held", type=float, default=0.01, help="share of events under a hold")
    part.add_argument("--rate", type=float, default=20, help="events a second meanwhile")
    part.add_argument("--before", type=float, default=30, help="seconds of events before the purge")
    part.add_argument("--slower", type=float, default=2, help="allowed for p99 of ingest, times")
    part.add_argument("--waits", type=float, default=1, help="seconds allowed for a lock")
    part = parts.add_parser("schema", help="the API against its schema, in every role")
    part.set_defaults(part="ledger.schema_run:schema")
    part.add_argument("--examples", type=int, default=200, help="for each operation and role")
    part.add_argument("--phases", default="examples,coverage,fuzzing,stateful")
    part.add_argument("--roles", nargs="*", help="some of them only")
    part.add_argument("--controls", action="store_true", help="each wrong schema must be seen")
    part.add_argument("--st", nargs=argparse.REMAINDER, help="further options of schemathesis")
    part = parts.add_parser("machine", help="stories that nobody wrote, compared with a model")
    part.set_defaults(part="ledger.machine.run:machine")
    part.add_argument("--runs", type=int, default=1000)
    part.add_argument("--steps", type=int, default=50, help="of each run, at most")
    part.add_argument("--minutes", type=float, default=600, help="begin no more stories after")
    part.add_argument("--shrink", action="store_true", help="look for the shortest contradiction")
    part.add_argument("--controls", action="store_true", help="each broken rule must be seen")
    part = parts.add_parser("overload", help="five times what it can take: the rest is turned away")
    part.set_defaults(part="ledger.overload:overload")
    part.add_argument("--seconds", type=float, default=300)
    part.add_argument("--peak", type=float, default=10, help="seconds to find each peak")
    part.add_argument("--turns", type=int, default=5, help="of overload, with a peak between")
    part.add_argument("--times", type=float, default=5, help="the peak")
    part.add_argument("--connections", type=int, default=3000)
    part.add_argument("--rude", type=float, default=0.5, help="share that heeds no Retry-After")
    part.add_argument("--goodput", type=float, default=0.8, help="share of the peak, at least")
    part.add_argument("--late", type=float, default=1, help="seconds for /liveness, at most")
    part.add_argument("--p99", type=float, default=3, help="seconds for what is accepted, at most")
    part.add_argument("--normal", type=float, default=10, help="seconds to be back to normal")
    part.add_argument("--growth-mb", type=float, default=150, help="of a process, at most")
    return parser


def main() -> int:
    options = arguments().parse_args()
    # A time limit from outside ends the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"seed {options.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="ledger-"))
    # Loaded only now: each needs much that the others do not.
    part: Part = resolve_name(options.part)
    with ExitStack() as stack:
        bad = part(options, folder, stack)
    if bad or options.keep:
        print(f"logs and data are kept in {folder}")
    else:
        shutil.rmtree(folder)
    return int(bool(bad))
