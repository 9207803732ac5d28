"""Retention: events and their pictures go after RETENTION_DAYS; leftovers of crashes are swept."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from events.models import PlateEvent, StreamHead, TpmsReading
from events.rollups import remove_events

logger = logging.getLogger(__name__)

BATCH = 500
# An ingest takes seconds: a file this old without a row was left by a crash.
ORPHAN_AGE = timedelta(hours=1)


def cutoff(days: int) -> datetime:
    return timezone.now() - timedelta(days=days)


def _unlink(names: Iterable[str]) -> None:
    root = Path(settings.UPLOAD_DIR)
    for name in names:
        (root / name).unlink(missing_ok=True)


def prune_batch(before: datetime, limit: int = BATCH) -> int:
    """Delete up to `limit` events captured or received before `before`; return how many.

    Rows go first and files after the commit: a crash in between leaves files without a row, which
    the sweep finds, never a row without its files.
    """
    with transaction.atomic():
        # The dispatcher's lock: both write the rollups.
        StreamHead.objects.select_for_update().first()
        old = Q(captured_at__lt=before) | Q(received_at__lt=before)
        events = list(PlateEvent.objects.filter(old).order_by("id")[:limit])
        # Events without a position are not in the rollups yet.
        remove_events([event for event in events if event.position is not None])
        ids = [event.pk for event in events]
        TpmsReading.objects.filter(event__in=ids).delete()
        PlateEvent.objects.filter(pk__in=ids).delete()
    _unlink(name for event in events for name in (event.frame, event.crop) if name)
    if events:
        logger.info("events pruned", extra={"count": len(events), "before": before.isoformat()})
    return len(events)


def hour_folders() -> Iterator[tuple[Path, datetime]]:
    """Yield each hour's picture folder and the hour that its name states."""
    root = Path(settings.UPLOAD_DIR)
    for folder in sorted(root.glob("[0-9]*/[0-9]*/[0-9]*/[0-9]*")):
        try:
            yield (
                folder,
                datetime.strptime("/".join(folder.parts[-4:]), "%Y/%m/%d/%H").replace(tzinfo=UTC),
            )
        except ValueError:
            continue


def _known_names(hour: datetime) -> set[str]:
    """The files that rows received in this hour refer to: one range of an index."""
    rows = PlateEvent.objects.filter(
        received_at__gte=hour, received_at__lt=hour + timedelta(hours=1)
    )
    return {name for pair in rows.values_list("frame", "crop") for name in pair if name}


def sweep_folder(folder: Path, hour: datetime) -> int:
    """Delete the hour's files that no row refers to; return how many."""
    oldest_kept = (timezone.now() - ORPHAN_AGE).timestamp()
    # Files first, rows second: a row committed in between is seen, its file is not deleted.
    files = [file for file in folder.iterdir() if file.stat().st_mtime < oldest_kept]
    known = _known_names(hour) if files else set()
    root = Path(settings.UPLOAD_DIR)
    orphans = [file for file in files if str(file.relative_to(root)) not in known]
    for file in orphans:
        file.unlink(missing_ok=True)
    if orphans:
        logger.info("orphaned pictures removed", extra={"count": len(orphans)})
    return len(orphans)


def sweep_orphans(since: datetime | None = None) -> int:
    """Sweep all hours, or those from `since` on, and drop folders that became empty."""
    swept = 0
    for folder, hour in hour_folders():
        if since is not None and hour < since:
            continue
        swept += sweep_folder(folder, hour)
        if hour < timezone.now() - timedelta(days=1):
            _drop_if_empty(folder)
    return swept


def _drop_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
