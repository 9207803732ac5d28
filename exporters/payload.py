"""What a sink gets of an event: `{"type", "timestamp", "data"}`, below 20 kB, pictures as links."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec
from django.conf import settings
from django.utils import timezone
from msgspec.structs import replace

from events.links import signed_path
from events.models import PlateEvent
from events.representation import EventView, represent

Kind = Literal["plate_event.created", "plate_event.test"]
CREATED: Kind = "plate_event.created"
TEST: Kind = "plate_event.test"
# Standard Webhooks asks for less than 20 kB.
MAX_BYTES = 20_000
LINK_AGE = timedelta(days=7)


class ExportedEvent(EventView, frozen=True, kw_only=True, omit_defaults=True):
    """The event of the API with absolute links; `truncated` when lists had to be left out."""

    truncated: bool = False


class Envelope(msgspec.Struct, frozen=True):
    type: Kind
    # When the event was received.
    timestamp: datetime
    # An ExportedEvent when something is left out; else the same fields without the word of it.
    data: EventView


def message_id(event: PlateEvent) -> str:
    """Return the id that every attempt carries: the event's own, unique with its sensor."""
    return f"evt_{event.event_id.hex}_{event.sensor_id}"


def fields(event: PlateEvent) -> dict[str, str]:
    """Return what topics and keys may be made of; ids, empty where the event has none."""
    return {
        "plate": event.plate_normalized,
        "camera": str(event.camera_id or ""),
        "zone": str(event.zone_id or ""),
        "sensor": str(event.sensor_id),
        "region": event.region,
        "event_id": str(event.event_id),
    }


def _with_links(event: PlateEvent, view: EventView, base_url: str, now: datetime) -> EventView:
    links = {
        f"{kind}_url": base_url + signed_path(event.pk, kind, now + LINK_AGE)
        for kind, link in (("frame", view.frame_url), ("crop", view.crop_url))
        if link
    }
    return replace(view, **links) if links else view


def _truncated(view: EventView, smaller: dict[str, tuple[()]]) -> ExportedEvent:
    values = {name: getattr(view, name) for name in EventView.__struct_fields__}
    return ExportedEvent(**values | smaller, truncated=True)


def envelope(
    event: PlateEvent,
    view: EventView,
    *,
    kind: Kind,
    base_url: str,
    now: datetime,
) -> bytes:
    """Return the JSON; other readings go first when it would be too long, then the tyres."""
    data = _with_links(event, view, base_url, now)
    for smaller in ({}, {"candidates": ()}, {"candidates": (), "tpms": ()}):
        shown = _truncated(data, smaller) if smaller else data
        body = msgspec.json.encode(Envelope(kind, event.received_at, shown))
        if len(body) < MAX_BYTES:
            return body
    raise ValueError("the rest of an event is bounded, and far below the limit")


def build(event: PlateEvent, base_url: str | None = None, now: datetime | None = None) -> bytes:
    """Return the body of an event loaded with its parts: by `with_parts`, or by a claim."""
    return envelope(
        event,
        represent(event, getattr(event, "tyre_rows", None)),
        kind=CREATED,
        base_url=settings.PUBLIC_URL if base_url is None else base_url,
        now=now or timezone.now(),
    )
