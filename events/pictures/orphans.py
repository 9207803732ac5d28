"""Finds and deletes the files that a crash left without a row."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from events.models import PlateEvent
from events.pictures.stores import picture_store

logger = logging.getLogger(__name__)

HOUR = timedelta(hours=1)
# An ingest takes seconds: a file this old without a row was left by a crash.
ORPHAN_AGE = timedelta(hours=1)


def _known_names(hour: datetime) -> set[str]:
    """The files that rows received in this hour refer to: one range of an index."""
    rows = PlateEvent.objects.filter(received_at__gte=hour, received_at__lt=hour + HOUR)
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
    """Sweep all hours and drop folders that became empty; with `since`, not all older hours.

    Of those, the ones that bear the number of this hour of the day: asked every hour, it sees to all
    of them within days, for a crash may also leave the files of old events that were just deleted.
    """
    store, swept = picture_store(), 0
    this_hour = timezone.now().astimezone(UTC).hour
    for hour in store.hours():
        if since is not None and hour < since and hour.hour != this_hour:
            continue
        swept += sweep_hour(hour)
        if hour < timezone.now() - timedelta(days=1):
            store.drop_if_empty(hour)
    return swept
