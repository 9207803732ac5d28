"""A small form of the attack in benchmarks/ledger: nothing may be lost, and each control is seen."""

from __future__ import annotations

import os
import subprocess
import sys

from django.conf import settings

# The faults of this seed begin with the worker's: what a killed one had under way comes back when
# its lease ends, half a minute later, and the run waits for it.
SMALL = [
    *("--seed", "10", "run", "--controls", "--events", "400", "--rate", "40", "--sensors", "20"),
    *("--clients", "20", "--cut", "1", "4", "--pause", "0.5", "1.5", "--frozen", "2"),
]


def ledger(*arguments: str) -> str:
    """Run the harness, which starts servers of its own: as they run for others.

    Each is several processes. Python's development mode and the counting of lines, which are for
    tests that run the product's code themselves, would make every one of them half as quick.
    """
    ours = ("PYTHONDEVMODE", "COVERAGE_")
    environment = {name: v for name, v in os.environ.items() if not name.startswith(ours)}
    result = subprocess.run(
        [sys.executable, str(settings.BASE_DIR / "benchmarks" / "ledger"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env=environment,
    )
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-3000:]
    return result.stdout


def test_nothing_is_lost_or_doubled_whatever_dies() -> None:
    told = ledger(*SMALL)

    assert told.count("  red\n") == 21
    assert "acknowledged but missing                    0  red" in told


def test_an_even_load_ends_with_nothing_lost() -> None:
    """Too short to find a leak: that the hour of it would, the controls show."""
    told = ledger(
        *("--seed", "4", "soak", "--controls", "--minutes", "0.1", "--every", "0.3"),
        *("--warm-up", "0.03", "--growth-mb", "3000", "--growth-fds", "3000"),
    )

    assert told.count("  red\n") == 24


def test_no_upload_does_harm() -> None:
    told = ledger("--seed", "4", "hostile", "--controls", "--uploads", "450", "--good", "60")

    assert told.count("  red\n") == 9


def test_the_api_is_what_its_schema_says_to_everybody() -> None:
    phases = "examples,fuzzing,stateful"
    told = ledger("--seed", "4", "schema", "--examples", "2", "--phases", phases)

    assert told.count(" holds\n") == 5


def test_stories_that_nobody_wrote_go_as_the_model_says() -> None:
    told = ledger("--seed", "4", "machine", "--runs", "10", "--steps", "20")

    assert "contradicts the model                       0\n" in told


def test_what_was_acknowledged_before_a_backup_is_back_after_the_loss_of_everything() -> None:
    told = ledger("--seed", "4", "drill", "--events", "60")

    assert told.count("  red\n") == 6


def test_every_look_is_written_down_and_neither_log_nor_evidence_can_be_bent() -> None:
    told = ledger("--seed", "4", "looks", "--looks", "40", "--count", "20")

    assert told.count("  red\n") == 10


def test_poison_blocks_nothing_and_is_given_up() -> None:
    # On a busy machine a broker may need seconds to be reached at all.
    small = ("--good", "60", "--rate", "60", "--poison", "1", "--night", "0.5", "--stall", "30")
    told = ledger("--seed", "4", "poison", *small)

    assert told.count("  red\n") == 7


def test_what_comes_out_is_only_text_whatever_came_in() -> None:
    small = ("--texts", "6", "--every", "6", "--lists", "6")
    told = ledger("--seed", "4", "inert", "--controls", *small)

    assert told.count("  red\n") == 19


def test_what_is_due_goes_without_a_trace_while_events_come_in() -> None:
    """So small that how long anything took is no measure."""
    told = ledger(
        *("--seed", "4", "retention", "--events", "1500", "--pictures", "100", "--rate", "30"),
        *("--before", "1", "--slower", "1000", "--waits", "30"),
    )

    assert told.count("  red\n") == 14


def test_too_many_requests_are_turned_away_and_the_rest_is_served() -> None:
    """How fast everything is, a busy machine cannot tell: that it would be seen, the controls show."""
    small = ("--seconds", "3", "--peak", "1", "--connections", "600")
    generous = ("--goodput", "0.2", "--late", "8", "--p99", "15", "--normal", "60")
    told = ledger("--seed", "4", "overload", *small, *generous)

    assert told.count("  red\n") == 11
