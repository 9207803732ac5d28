"""A small form of the attack in benchmarks/ledger: nothing may be lost, and each control is seen."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from django.conf import settings


def small(part: str, seed: int = 4) -> str:
    """Run a part's small form, which starts servers of its own: as they run for others.

    Each is several processes. Python's development mode and the counting of lines, which are for
    tests that run the product's code themselves, would make every one of them half as quick.
    """
    ours = ("PYTHONDEVMODE", "COVERAGE_")
    harness = settings.BASE_DIR / "benchmarks" / "ledger"
    environment = {name: v for name, v in os.environ.items() if not name.startswith(ours)}
    result = subprocess.run(
        [sys.executable, str(harness), "--seed", str(seed), "all", "--small", "--parts", part],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env=environment,
    )
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-3000:]
    return result.stdout


def test_nothing_is_lost_or_doubled_whatever_dies() -> None:
    # The faults of this seed begin with the worker's: what a killed one had under way comes back
    # when its lease ends, half a minute later, and the run waits for it.
    told = small("run", seed=10)

    assert told.count("  red\n") == 21
    assert "acknowledged but missing                    0  red" in told


def test_an_even_load_ends_with_nothing_lost() -> None:
    assert small("soak").count("  red\n") == 24


def test_no_upload_does_harm() -> None:
    assert small("hostile").count("  red\n") == 9


def test_the_api_is_what_its_schema_says_to_everybody() -> None:
    assert small("schema").count("contradicts its schema: ") == 5


def test_stories_that_nobody_wrote_go_as_the_model_says() -> None:
    assert "contradicts the model                       0\n" in small("machine")


def test_what_was_acknowledged_before_a_backup_is_back_after_the_loss_of_everything() -> None:
    assert small("drill").count("  red\n") == 6


def test_every_look_is_written_down_and_neither_log_nor_evidence_can_be_bent() -> None:
    told = small("looks")

    assert told.count("  red\n") == 10
    # The report at the end of all parts.
    assert re.search(r"looks +\d+ +10 +0 +10  holds\n", told)


def test_poison_blocks_nothing_and_is_given_up() -> None:
    assert small("poison").count("  red\n") == 7


def test_what_comes_out_is_only_text_whatever_came_in() -> None:
    assert small("inert").count("  red\n") == 19


def test_what_is_due_goes_without_a_trace_while_events_come_in() -> None:
    assert small("retention").count("  red\n") == 14


def test_too_many_requests_are_turned_away_and_the_rest_is_served() -> None:
    assert small("overload").count("  red\n") == 11
