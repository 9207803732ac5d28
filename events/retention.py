"""Retention: events and their pictures go after RETENTION_DAYS; leftovers of crashes are swept."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from events.models import EventReceipt, PlateEvent, StreamHead
from events.rollups import remove_events
from events.stores import picture_store

logger = logging.getLogger(__name__)

BATCH = 500
# An ingest takes seconds: a file this old without a row was left by a crash.
ORPHAN_AGE = timedelta(hours=1)


def cutoff(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


def _oldest(before: datetime, limit: int) -> list[PlateEvent]:
    """Return events captured before; if there are none, events received before: two index ranges."""
    captured = PlateEvent.objects.filter(captured_at__lt=before).order_by("captured_at", "id")
    received = PlateEvent.objects.filter(received_at__lt=before).order_by("received_at")
    return list(captured[:limit]) or list(received[:limit])


def prune_batch(before: datetime, limit: int = BATCH) -> int:
    """Delete up to `limit` events captured or received before `before`; return how many.

    Rows go first and files after the commit: a crash in between leaves files without a row, which
    the sweep finds, never a row without its files.
    """
    with transaction.atomic():
        # The dispatcher's lock: both write the rollups.
        StreamHead.objects.select_for_update().first()
        events = _oldest(before, limit)
        remove_events(events)
        ids = [event.pk for event in events]
        # The exporters' deliveries go with the events, their attempts with the deliveries.
        PlateEvent.objects.filter(pk__in=ids).delete()
        EventReceipt.objects.filter(pk__in=ids).delete()
    picture_store().delete(name for event in events for name in (event.frame, event.crop) if name)
    if events:
        logger.info("events pruned", extra={"count": len(events), "before": before.isoformat()})
    return len(events)


def _known_names(hour: datetime) -> set[str]:
    """The files that rows received in this hour refer to: one range of an index."""
    rows = PlateEvent.objects.filter(
        received_at__gte=hour, received_at__lt=hour + timedelta(hours=1)
    )
    return {name for pair in rows.values_list("frame", "crop") for name in pair if name}


def sweep_hour(hour: datetime) -> int:
    """Delete the hour's files that no row refers to; return how many."""
    store = picture_store()
    oldest_kept = timezone.now() - ORPHAN_AGE
    # Files first, rows second: a row committed in between is seen, its file is not deleted.
    names = [file.name for file in store.files_of(hour) if file.stored_at < oldest_kept]
    known = _known_names(hour) if names else set()
    orphans = [name for name in names if name not in known]
    store.delete(orphans)
    if orphans:
        logger.info("orphaned pictures removed", extra={"count": len(orphans)})
    return len(orphans)


def sweep_orphans(since: datetime | None = None) -> int:
    """Sweep all hours, or those from `since` on, and drop folders that became empty."""
    store, swept = picture_store(), 0
    for hour in store.hours():
        if since is not None and hour < since:
            continue
        swept += sweep_hour(hour)
        if hour < timezone.now() - timedelta(days=1):
            store.drop_if_empty(hour)
    return swept
