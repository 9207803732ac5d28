"""Deletes pictures that are past their retention, of events that are not."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime

from events.models import LegalHold, PlateEvent
from events.pictures.orphans import HOUR, sweep_hour
from events.pictures.stores import picture_store
from events.retention.policies import Policy

logger = logging.getLogger(__name__)


def delete_pictures(events: Sequence[PlateEvent]) -> None:
    """Delete the files of events whose rows no longer name them, and that is committed."""
    picture_store().delete(name for event in events for name in (event.frame, event.crop) if name)


def _forget(policy: Policy, hour: datetime, limit: int) -> bool:
    arrived = PlateEvent.objects.filter(received_at__gte=hour, received_at__lt=hour + HOUR)
    with_pictures = arrived.filter(policy.its_events).exclude(frame="", crop="").not_held()
    events = list(with_pictures.order_by("captured_at", "id")[:limit])
    if events:
        PlateEvent.objects.filter(
            pk__in=[event.pk for event in events],
            captured_at__range=(events[0].captured_at, events[-1].captured_at),
        ).update(frame="", crop="")
        delete_pictures(events)
        logger.info("pictures pruned", extra={"count": len(events), "days": policy.picture_days})
    return bool(events)


class ExpiredPictures:
    """Goes through the hours of arrival, in which the store has the files.

    An hour that was seen to is passed over the next time, for what others keep in it would be read
    again and again; but not once the policy or a hold has changed.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[Policy, tuple[int, ...]], datetime] = {}

    def delete(self, policy: Policy, batch: int) -> Iterator[int]:
        """Delete what the policy keeps no longer, oldest first; yield after each step."""
        if not policy.keeps_text_longer:
            return
        holds = LegalHold.objects.active().order_by("id").values_list("id", flat=True)
        key = policy, tuple(holds)
        store, before = picture_store(), policy.pictures_before
        for hour in sorted(store.hours()):
            if hour + HOUR > before:
                break
            if key in self._seen and hour <= self._seen[key]:
                continue
            while _forget(policy, hour, batch):
                yield 0
            sweep_hour(hour)
            store.drop_if_empty(hour)
            self._seen[key] = hour
            yield 0
