"""Sending again on request: by id, or by the time when the events were received."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Self

import msgspec
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from msgspec import Meta

from anpr_project.lib.errors import FieldError
from anpr_project.lib.structs import converted
from events.filters import parse_time
from events.models import EventReceipt, PlateEvent
from exporters.matching import Id, filters_of
from exporters.models import Delivery, ExporterConfig

BATCH = 1000
# Of one request. What is over comes with the next, for what is queued is no longer delivered or dead.
MOST = 100_000
ENDED = (Delivery.State.DELIVERED, Delivery.State.DEAD)


# Read as the filters of events are.
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from"}):
    """The body of POST /exporters/{id}/redeliver."""

    ids: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=BATCH)] | None = None
    since: Time | None = None
    to: Time | None = None
    state: Literal["pending", "delivered", "dead"] | None = None
    missing: bool = False


@dataclass(frozen=True)
class Redelivery:
    """What is to be sent again: some deliveries, or those of the events received in a range."""

    ids: tuple[int, ...] = ()
    since: datetime | None = None
    to: datetime | None = None
    state: str | None = None
    missing: bool = False

    @classmethod
    def parse(cls, body: Any) -> Self:
        asked = converted(body, Request)
        if asked.ids is not None:
            if (asked.since, asked.to, asked.state, asked.missing) != (None, None, None, False):
                raise FieldError("ids", "invalid", "Give either ids or a range.")
            return cls(ids=asked.ids)
        if asked.since is None:
            raise FieldError("from", "required", "Give ids, or a time to start from.")
        since = parse_time("from", [asked.since])
        to = timezone.now() if asked.to is None else parse_time("to", [asked.to])
        if to <= since:
            raise FieldError("to", "invalid", "Expected a time after `from`.")
        return cls(since=since, to=to, state=asked.state, missing=asked.missing)

    def queue(self, exporter: ExporterConfig) -> int:
        """Make the deliveries due now, in batches; return how many."""
        if self.ids:
            return self._queue_ids(exporter)
        states = ENDED if self.state is None else (self.state,)
        queued = 0
        for ids in _batches(self._deliveries(exporter, states)):
            queued += Delivery.objects.filter(pk__in=ids, state__in=states).again(timezone.now())
        return queued + (self._add_missing(exporter) if self.missing else 0)

    def _queue_ids(self, exporter: ExporterConfig) -> int:
        rows = Delivery.objects.filter(exporter=exporter, pk__in=self.ids)
        known = set(rows.values_list("id", flat=True))
        for index, wanted in enumerate(self.ids):
            if wanted not in known:
                raise FieldError(
                    f"ids.{index}", "does_not_exist", "This exporter has no delivery with this id."
                )
        return rows.again(timezone.now())

    def _deliveries(self, exporter: ExporterConfig, states: tuple[str, ...]) -> QuerySet[Delivery]:
        return Delivery.objects.filter(
            exporter=exporter,
            state__in=states,
            event__received_at__gte=self.since,
            event__received_at__lt=self.to,
        )

    def _add_missing(self, exporter: ExporterConfig) -> int:
        """Make deliveries for matching events of the range that never had one."""
        made = Delivery.objects.filter(exporter=exporter, event=OuterRef("pk"))
        # These the dispatcher hands to every exporter itself.
        waiting = EventReceipt.objects.waiting().filter(pk=OuterRef("pk"))
        events = PlateEvent.objects.filter(
            filters_of(exporter).q,
            ~Exists(made),
            ~Exists(waiting),
            received_at__gte=self.since,
            received_at__lt=self.to,
        )
        return sum(_add(exporter, ids) for ids in _batches(events))


def _batches(rows: QuerySet[Any]) -> Iterator[list[int]]:
    """Yield the ids in ascending batches, at most MOST in all."""
    last = 0
    for _ in range(MOST // BATCH):
        ids = list(rows.filter(id__gt=last).order_by("id").values_list("id", flat=True)[:BATCH])
        if ids:
            yield ids
        if len(ids) < BATCH:
            return
        last = ids[-1]


def _add(exporter: ExporterConfig, ids: list[int]) -> int:
    # In the order in which the dispatcher would have made them: each camera's is kept by the ids.
    events = PlateEvent.objects.filter(pk__in=ids).order_by("id")
    rows = [
        Delivery(exporter=exporter, event_id=event, camera=camera or 0)
        for event, camera in events.values_list("id", "camera_id")
    ]
    # Another request may have made one of them meanwhile.
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)
