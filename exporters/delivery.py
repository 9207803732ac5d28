"""The ledger of deliveries: fan out, claim, record. No network in here, and no thread."""

from __future__ import annotations

import logging
import random
from array import array
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from events.models import PlateEvent
from events.representation import EventView, represent_rows
from events.search.event_rows import read_rows
from exporters import giving_up
from exporters.attempts import Attempt, insert_attempts
from exporters.matching import filters_of
from exporters.models import Delivery, ExporterConfig
from exporters.outbox import Due, insert_due
from exporters.transports import Outcome, TransportError

if TYPE_CHECKING:
    # Else whoever asks for the ledger would load the clients of all brokers.
    from exporters.configuration import Settings

logger = logging.getLogger(__name__)

ROWS = 1000
# After this many failures in a row for which the sink is to blame, nothing is sent but one probe
# at a time, at growing intervals.
OPEN_AFTER = 5
FIRST_PAUSE_S = 5.0
# A backlog of hours has to be gone minutes after its sink came back, wherever that falls between two.
LONGEST_PAUSE_S = 60.0
LONGEST_RETRY_AFTER_S = 3600.0


class Claimed(NamedTuple):
    """A delivery that is this worker's for a while, with what it carries."""

    pk: int
    event: EventView
    has_failed: bool


class Sent(NamedTuple):
    """One attempt that has come to its end."""

    delivery: Claimed
    outcome: Outcome
    started_at: datetime
    duration_ms: float


def _wanted(exporter: ExporterConfig, events: Iterable[PlateEvent]) -> Iterable[PlateEvent]:
    try:
        filters = filters_of(exporter)
    except msgspec.ValidationError:
        # Written by a newer program, or by hand. Too much is better than lost.
        logger.exception("filters unreadable, all match", extra={"exporter": exporter.pk})
        return events
    return [event for event in events if filters.matches(event)]


def fan_out(events: Iterable[PlateEvent]) -> int:
    """Make a delivery of each event for each enabled exporter whose filters match; return how many.

    Runs in the dispatcher's transaction: an event with a position has its deliveries.
    """
    due = (
        Due(exporter.pk, event.pk, event.camera_id or 0)
        for exporter in ExporterConfig.objects.filter(enabled=True)
        for event in _wanted(exporter, events)
    )
    return insert_due(due, timezone.now())


def lease(settings: Settings) -> timedelta:
    """How long a claim holds: longer than any attempt can last."""
    return timedelta(seconds=2 * settings.retry.timeout_s + 30)


def claim_due(exporter: ExporterConfig, settings: Settings, limit: int) -> list[Claimed]:
    """Take up to `limit` due deliveries for this worker alone, until the lease runs out."""
    now = timezone.now()
    with transaction.atomic():
        due = Delivery.objects.due(exporter, now).select_for_update(skip_locked=True, of=("self",))
        wanted = ("pk", "event_id", "last_error")
        claimed: list[tuple[int, int, str]] = []
        if exporter.failures >= OPEN_AFTER:
            claimed = list(due.never_failed().values_list(*wanted)[:limit])
        claimed = claimed or list(due.values_list(*wanted)[:limit])
        ids = array("q", [pk for pk, _, _ in claimed])
        if ids:
            Delivery.objects.filter(pk__among=ids).update(leased_until=now + lease(settings))
    found = PlateEvent.objects.by_ids(array("q", [event for _, event, _ in claimed]))
    rows = read_rows(found, oldest_first=True)
    events = {view.id: view for view in represent_rows(rows)}
    # Without what retention just took.
    return [
        Claimed(pk, events[event], bool(error)) for pk, event, error in claimed if event in events
    ]


def record(exporter: ExporterConfig, settings: Settings, sent: Sequence[Sent]) -> None:
    """Write down what became of the attempts, and what follows from them for the exporter."""
    with transaction.atomic():
        # What retention or an admin deleted meanwhile has no ledger any more.
        ids = array("q", [one.delivery.pk for one in sent])
        there = Delivery.objects.select_for_update().filter(pk__among=ids).order_by("id")
        known = set(there.values_list("pk", flat=True))
        sent = [one for one in sent if one.delivery.pk in known]
        if not sent:
            return
        delivered = [one for one in sent if not isinstance(one.outcome, TransportError)]
        failed = [one for one in sent if isinstance(one.outcome, TransportError)]
        news: dict[str, object] = {}
        insert_attempts([_attempt(one) for one in sent])
        _record_delivered(delivered)
        if failed:
            exporter.refresh_from_db(
                fields=[
                    *("failures", "paused_until", "enabled", "last_error_at"),
                    *("failing_since", "failing_steadily"),
                ]
            )
            news = _news(exporter, failed, is_well=bool(delivered))
            _record_failed(exporter, settings, failed)
        _update_exporter(exporter, delivered, failed, news)


def _attempt(one: Sent) -> Attempt:
    outcome = one.outcome
    failed = isinstance(outcome, TransportError)
    return Attempt(
        delivery_id=one.delivery.pk,
        started_at=one.started_at,
        duration_ms=one.duration_ms,
        succeeded=not failed,
        code=outcome.code,
        error=str(outcome)[:500] if failed else "",
    )


def _record_delivered(delivered: Sequence[Sent]) -> None:
    ids = array("q", [one.delivery.pk for one in delivered])
    Delivery.objects.filter(pk__among=ids).update(
        state=Delivery.State.DELIVERED,
        attempts=F("attempts") + 1,
        delivered_at=timezone.now(),
        last_error="",
    )


def _burns_attempt(exporter: ExporterConfig, error: TransportError) -> bool:
    """Whether a failure counts against the message: not while the sink as a whole is away."""
    if error.retry_after is not None or error.gone:
        return False
    # What keeps the order tries the same messages again, for nothing else may go before them.
    spared_after = 1 if exporter.ordered else OPEN_AFTER
    return not (error.unreachable and exporter.failures >= spared_after)


def _is_overdue(delivery: Delivery, settings: Settings, now: datetime) -> bool:
    """Whether it was tried for as long as its schedule is; attempts may not have counted."""
    if now - delivery.created_at <= settings.retry.span:
        return False
    first = delivery.tries.order_by("id").first()
    return first is not None and now - first.started_at > settings.retry.span


def _record_failed(exporter: ExporterConfig, settings: Settings, failed: Sequence[Sent]) -> None:
    now, chance = timezone.now(), random.SystemRandom()
    deliveries = Delivery.objects.in_bulk([one.delivery.pk for one in failed])
    for one in failed:
        delivery, error = deliveries[one.delivery.pk], one.outcome
        assert isinstance(error, TransportError)  # noqa: S101 - record() has sorted them
        if _burns_attempt(exporter, error):
            delivery.attempts += 1
        delay = settings.retry.next_delay(max(delivery.attempts, 1), chance)
        if error.permanent or delay is None or _is_overdue(delivery, settings, now):
            delivery.state = Delivery.State.DEAD
        else:
            wished = timedelta(seconds=min(error.retry_after or 0, LONGEST_RETRY_AFTER_S))
            delivery.next_attempt_at = now + (timedelta() if error.gone else max(delay, wished))
        delivery.leased_until = None
        delivery.last_error = str(error)[:500]
    Delivery.objects.bulk_update(
        deliveries.values(),
        ["state", "attempts", "next_attempt_at", "leased_until", "last_error"],
        batch_size=ROWS,
    )


def _pause(exporter: ExporterConfig, failures: int, errors: Sequence[TransportError]) -> float:
    """Return for how many seconds nothing is to be sent; 0: go on."""
    wished = [error.retry_after for error in errors if error.retry_after is not None]
    pause = min(max(wished, default=0.0), LONGEST_RETRY_AFTER_S)
    if failures >= OPEN_AFTER:
        opened = FIRST_PAUSE_S * 2 ** min(failures - OPEN_AFTER, 20)
        pause = max(pause, min(opened, LONGEST_PAUSE_S))
    return pause


def _is_news(exporter: ExporterConfig, one: Sent) -> bool:
    """Whether this tells more about the sink than the failure before.

    What was under way at that time does not: else the stragglers of one bad moment, which end one
    by one, would count as a long row of failures.
    """
    last = exporter.last_error_at
    error = one.outcome
    is_straggler = isinstance(error, TransportError) and error.unreachable
    return not is_straggler or last is None or one.started_at >= last


def _blames_sink(exporter: ExporterConfig, one: Sent) -> bool:
    """Whether this failure counts for the circuit.

    Not that of a message which has failed before: the sink may choke on this one, and be well. Once
    the circuit is open every probe counts; and in order, where each camera's first is all there is
    to try, every failure.
    """
    error = one.outcome
    return (
        isinstance(error, TransportError)
        and error.unreachable
        and (exporter.ordered or exporter.failures >= OPEN_AFTER or not one.delivery.has_failed)
    )


def _news(exporter: ExporterConfig, failed: Sequence[Sent], *, is_well: bool) -> dict[str, object]:
    """Return what the exporter's row is to learn of these failures."""
    news = [one for one in failed if _is_news(exporter, one)]
    if not news:
        # No later time either: where attempts overlap each would have begun before the last error.
        return {}
    changes: dict[str, object] = {"last_error_at": timezone.now()}
    if not is_well and any(_blames_sink(exporter, one) for one in news):
        changes["failures"] = exporter.failures + 1
    return changes


def _update_exporter(
    exporter: ExporterConfig,
    delivered: Sequence[Sent],
    failed: Sequence[Sent],
    news: dict[str, object],
) -> None:
    """Keep the state at a glance, and the circuit breaker. A success closes the circuit."""
    now = timezone.now()
    errors = [one.outcome for one in failed if isinstance(one.outcome, TransportError)]
    changes: dict[str, object] = {}
    if delivered:
        changes |= {"last_success_at": now, "failures": 0} | giving_up.FRESH
        if exporter.failures >= OPEN_AFTER:
            # Only then: a pause that the sink asked for holds although it took what was under way.
            changes["paused_until"] = None
    if errors:
        changes |= {"last_error": str(errors[-1])[:500]} | news
        failures = int(changes.get("failures", exporter.failures))  # type: ignore[call-overload]
        pause = _pause(exporter, failures, errors)
        if pause:
            changes["paused_until"] = now + timedelta(seconds=pause)
        if not delivered:
            changes |= giving_up.after_failure(exporter, now)
    ExporterConfig.objects.filter(pk=exporter.pk).update(**changes)
    for name, value in changes.items():
        setattr(exporter, name, value)
    gone = [error for error in errors if error.gone]
    if gone or giving_up.is_hopeless(exporter, now):
        giving_up.disable_for(exporter, str(gone[0])[:500] if gone else giving_up.REASON)
