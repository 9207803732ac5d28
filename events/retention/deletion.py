"""Retention: events go after the days of their policy, their pictures with them or before."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db.models import QuerySet

from events.models import ERASED, EventReceipt, PlateEvent
from events.retention.expired_months import drop_months
from events.retention.expired_pictures import ExpiredPictures, delete_pictures
from events.retention.lock_pace import LockPace
from events.retention.policies import Policy, policies
from events.statistics.rollups import remove_events

logger = logging.getLogger(__name__)

BATCH = 500


def expire(
    usual_days: int | None = None,
    *,
    batch: int = BATCH,
    pictures: ExpiredPictures | None = None,
) -> Iterator[int]:
    """Delete what its policy no longer keeps and no hold does; after each step yield how many events.

    Months first, as tables; what is left by rows; then the pictures of events that stay.
    """
    found, pace = policies(usual_days), LockPace(batch)
    yield from drop_months(min(policy.events_before for policy in found))
    for policy in found:
        while deleted := _prune_batch(policy, pace):
            yield deleted
    for policy in found:
        yield from (pictures or ExpiredPictures()).delete(policy, batch)
    yield from _forget_erased(min(policy.events_before for policy in found), batch)


def _forget_erased(before: datetime, limit: int) -> Iterator[int]:
    """Delete the receipts of erased events that no policy would keep: sent again, they go by themselves."""
    old = EventReceipt.objects.filter(content_sha256=ERASED, captured_at__lt=before)
    while ids := list(old.order_by().values_list("pk", flat=True)[:limit]):
        EventReceipt.objects.filter(pk__in=ids).delete()
        yield 0


def _expired(policy: Policy, limit: int) -> list[PlateEvent]:
    """Return events captured before the limit, or, if there are none, those received before it.

    Each zone is a range of its own: of what other zones keep longer nothing is read.
    """
    before = policy.events_before
    events = PlateEvent.objects.filter(policy.its_events).not_held()
    captured = events.filter(captured_at__lt=before).order_by("captured_at", "id")
    # A clock that ran ahead: in the months that are not past the limit.
    received = events.filter(captured_at__gte=before, received_at__lt=before).order_by()
    return list(captured[:limit]) or list(received[:limit])


def _prune_batch(policy: Policy, pace: LockPace) -> int:
    """Delete a batch of expired events with their pictures; return how many.

    Rows go first and files after the commit: a crash in between leaves files without a row, which
    the sweep finds, never a row without its files.
    """
    with pace.transaction() as limit:
        events = _expired(policy, limit)
        delete_events(events)
    delete_pictures(events)
    if events:
        logger.info("events pruned", extra={"count": len(events), "days": policy.event_days})
    return len(events)


def delete_events(events: Sequence[PlateEvent]) -> None:
    """Delete rows and all that the database keeps of them, in a transaction of the caller's."""
    _delete_rows(events).delete()


def erase_events(events: Sequence[PlateEvent]) -> None:
    """Like delete_events(), but leave the receipts, emptied: by them a repeat is known."""
    _delete_rows(events).update(content_sha256=ERASED)


def _delete_rows(events: Sequence[PlateEvent]) -> QuerySet[EventReceipt]:
    """Delete the events and what belongs to them; return their receipts."""
    remove_events(events)
    ids = [event.pk for event in events]
    # The exporters' deliveries go with the events, their attempts with the deliveries.
    PlateEvent.objects.filter(pk__in=ids).delete()
    return EventReceipt.objects.filter(pk__in=ids)
