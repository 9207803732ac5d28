"""Prints what was done and what was found, as one table."""

# ruff: noqa: T201 - its output is its purpose
from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from ledger.book import Entry
from ledger.checks import Finding
from ledger.evidence import Evidence
from ledger.nemesis import Fault

# After these the API has to come back by itself; from the end of the fault it is measured.
TAKES_API_AWAY = (
    *("api killed", "everything killed", "api frozen", "disk full"),
    *("database stopped at once", "database backend killed", "database connections ended"),
    "database frozen",
)


def recovery_s(faults: list[Fault], entries: list[Entry]) -> dict[str, list[float]]:
    """How long after each fault until the first acknowledgement of something sent after it."""
    acknowledged = sorted((e.tried_at, e.acked_at) for e in entries if e.outcome == "ok")
    took: dict[str, list[float]] = {}
    for fault in faults:
        # A kill is over when it is done; everything else when the cause is taken away.
        over = fault.until
        after = [acked for tried, acked in acknowledged if tried >= over]
        if fault.kind in TAKES_API_AWAY and after:
            took.setdefault(fault.kind, []).append(min(after) - over)
    return took


def tell_attack(
    faults: list[Fault], proxy_log: Path, entries: list[Entry], found: Evidence
) -> None:
    outcomes = Counter(entry.outcome for entry in entries)
    attempts = sum(entry.attempts for entry in entries)
    print(f"\n{len(entries)} events in {attempts} requests: {_counted(outcomes)}")
    print(f"sent again after the acknowledgement: {sum(bool(e.again) for e in entries)}; ", end="")
    print(f"with other content: {sum(e.conflict is not None for e in entries)}")
    print("on the way: " + _counted(Counter(_words(proxy_log))))
    print("to the processes: " + _counted(Counter(fault.kind for fault in faults)))
    closed: Counter[str] = Counter()
    for story in found.stories:
        closed.update(story.closed)
    received = sum(len(story.positions) for story in found.stories)
    print(
        f"{len(found.stories)} stream clients got {received} messages; closed: {_counted(closed)}"
    )
    for sink, arrivals in found.arrivals.items():
        repeats = len(arrivals) - len({arrival.event_id for arrival in arrivals})
        print(f"{sink} got {len(arrivals)} messages, {repeats} of them repeats")
    for kind, seconds in recovery_s(faults, entries).items():
        print(
            f"back after {kind}: median {statistics.median(seconds):.1f} s, "
            f"longest {max(seconds):.1f} s of {len(seconds)}"
        )
    for note in found.notes:
        print(note)


def _words(log: Path) -> Iterable[str]:
    return (line.split(maxsplit=1)[1] for line in log.read_text().splitlines())


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "nothing"


def tell_findings(findings: list[Finding], controls: dict[str, str] | None) -> int:
    """Print the table of checks; return how many are red that should not be, or controls failed."""
    bad = 0
    print(f"\n{'check':38} {'found':>6}  {'control' if controls is not None else ''}")
    for finding in findings:
        control = "" if controls is None else controls.get(finding.check, "HAS NONE")
        print(f"{finding.check:38} {len(finding.problems):6}  {control}")
        bad += bool(finding.problems) + (controls is not None and not control.startswith("red"))
        for problem in finding.problems[:5]:
            print(f"    {problem}")
    return bad
