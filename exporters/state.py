"""How exporters are doing, at a glance, for the API and the admin."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count
from django.utils import timezone

from events.models import PlateEvent
from exporters import giving_up
from exporters.delivery import OPEN_AFTER
from exporters.models import Delivery, ExporterConfig

AFRESH: dict[str, object] = {"failures": 0, "paused_until": None} | giving_up.FRESH


@dataclass(frozen=True)
class Backlog:
    pending: int = 0
    dead: int = 0


@dataclass(frozen=True)
class State:
    """What became of the deliveries lately, and what waits."""

    last_success_at: datetime | None
    last_error_at: datetime | None
    last_error: str
    pending: int
    dead: int
    paused_until: datetime | None
    circuit: str
    # Nothing has got through since then.
    failing_since: datetime | None
    # Why it was disabled, unless a person did it.
    disabled_reason: str


@dataclass(frozen=True)
class Export:
    """What became of an event at one exporter."""

    exporter: int
    name: str
    status: str
    attempts: int
    delivered_at: datetime | None


def exports_of(event: PlateEvent) -> tuple[Export, ...]:
    """Return where the event goes or went, in one query."""
    rows = Delivery.objects.filter(event=event).order_by("exporter")
    fields = ("exporter", "exporter__name", "state", "attempts", "delivered_at")
    return tuple(Export(*row) for row in rows.values_list(*fields))


def backlogs(exporters: Iterable[ExporterConfig]) -> dict[int, Backlog]:
    """Count what waits and what is dead for these exporters, in one query."""
    counts: dict[int, dict[str, int]] = {exporter.pk: {} for exporter in exporters}
    unfinished = [Delivery.State.PENDING, Delivery.State.DEAD]
    rows = (
        Delivery.objects.filter(exporter__in=list(counts), state__in=unfinished)
        .order_by()
        .values_list("exporter", "state")
        .annotate(number=Count("*"))
    )
    for exporter, state, number in rows:
        counts[exporter][state] = number
    return {exporter: Backlog(**found) for exporter, found in counts.items()}


def state_of(exporter: ExporterConfig, backlog: Backlog) -> State:
    paused_until = exporter.paused_until
    if paused_until is not None and paused_until <= timezone.now():
        paused_until = None
    return State(
        last_success_at=exporter.last_success_at,
        last_error_at=exporter.last_error_at,
        last_error=exporter.last_error,
        pending=backlog.pending,
        dead=backlog.dead,
        paused_until=paused_until,
        circuit="open" if exporter.failures >= OPEN_AFTER else "closed",
        failing_since=exporter.failing_since,
        disabled_reason=exporter.disabled_reason,
    )


def at_a_glance(exporter: ExporterConfig) -> str:
    """Return one word (or two) for a list."""
    state = state_of(exporter, Backlog())
    if not exporter.enabled:
        return "disabled"
    if state.circuit == "open":
        return "open circuit"
    if state.paused_until is not None:
        return "paused"
    failed, succeeded = state.last_error_at, state.last_success_at
    if failed is not None and (succeeded is None or failed > succeeded):
        return "failing"
    return "ok"


def renew(exporter: ExporterConfig) -> None:
    """Let what was changed be tried at once: a pause and an open circuit end, clocks start afresh."""
    rows = ExporterConfig.objects.filter(pk=exporter.pk)
    rows.update(**AFRESH, updated_at=timezone.now())
    rows.filter(enabled=True).update(disabled_reason="")


def enable(exporter: ExporterConfig) -> None:
    """Let it deliver again, at once."""
    ExporterConfig.objects.filter(pk=exporter.pk).update(enabled=True)
    renew(exporter)


def disable(exporter: ExporterConfig) -> None:
    """Stop it; what is pending stays and is delivered when it is enabled again."""
    ExporterConfig.objects.filter(pk=exporter.pk).update(enabled=False, updated_at=timezone.now())
