"""A small form of the attack in benchmarks/ledger: nothing may be lost, and each control is seen."""

from __future__ import annotations

import subprocess
import sys

from django.conf import settings

SMALL = [
    *("--seed", "4", "run", "--controls", "--events", "1000", "--rate", "60", "--sensors", "20"),
    *("--clients", "20", "--cut", "1", "4", "--pause", "0.5", "1.5", "--frozen", "2"),
]


def ledger(*arguments: str) -> str:
    """Run the harness from a clean environment; it starts servers of its own."""
    result = subprocess.run(
        [sys.executable, str(settings.BASE_DIR / "benchmarks" / "ledger"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-3000:]
    return result.stdout


def test_nothing_is_lost_or_doubled_whatever_dies() -> None:
    told = ledger(*SMALL)

    assert told.count("  red\n") >= 20
    assert "acknowledged but missing                    0  red" in told
