"""The state machine: all rules together, and how many of them are taken."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test

from exporters.tests.sinks import Sink
from ledger.machine.exporting import Exporting
from ledger.machine.keeping import Keeping
from ledger.machine.sending import Sending


class Story(Sending, Exporting, Keeping):
    pass


def tell(sink: Sink, seed: int, runs: int, steps: int, *, shrink: bool = False) -> str | None:
    """Play so many stories; return how one contradicted the model, or None."""
    Story.sink = sink
    wanted = settings(
        max_examples=runs,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=[Phase.generate, *([Phase.shrink] if shrink else [])],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    try:
        run_state_machine_as_test(seeded(seed)(Story), settings=wanted)
    except Exception as error:
        return "\n".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", [])])
    return None
