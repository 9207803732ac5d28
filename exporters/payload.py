"""What a sink gets of an event: `{"type", "timestamp", "data"}`, below 20 kB, pictures as links."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec
from django.conf import settings
from django.utils import timezone
from msgspec.structs import replace

from events.pictures.links import signed_path
from events.representation import EventView
from exporters.transports import Message

Kind = Literal["plate_event.created", "plate_event.test"]
CREATED: Kind = "plate_event.created"
TEST: Kind = "plate_event.test"
# Standard Webhooks asks for less than 20 kB.
MAX_BYTES = 20_000
LINK_AGE = timedelta(days=7)
SMALLER: tuple[dict[str, tuple[()]], ...] = ({"candidates": ()}, {"candidates": (), "tpms": ()})
_encode = msgspec.json.Encoder().encode


class ExportedEvent(EventView, frozen=True, kw_only=True, omit_defaults=True):
    """The event of the API with absolute links; `truncated` when lists had to be left out."""

    truncated: bool = False


class Envelope(msgspec.Struct, frozen=True):
    type: Kind
    # When the event was received.
    timestamp: datetime
    # An ExportedEvent when something is left out; else the same fields without the word of it.
    data: EventView


def message_id(event_id: UUID | str, sensor: int) -> str:
    """Return the id that every attempt carries: the event's own, unique with its sensor."""
    return f"evt_{str(event_id).replace('-', '')}_{sensor}"


def fields(view: EventView) -> dict[str, str]:
    """Return what topics and keys may be made of; ids, empty where the event has none."""
    return {
        "plate": view.plate_normalized,
        "camera": str(view.camera or ""),
        "zone": str(view.zone or ""),
        "sensor": str(view.sensor),
        "region": view.region,
        "event_id": str(view.event_id),
    }


def _with_links(view: EventView, base_url: str, now: datetime) -> EventView:
    if not (view.frame_url or view.crop_url):
        return view
    links = {
        f"{kind}_url": base_url + signed_path(view.id, kind, now + LINK_AGE)
        for kind, link in (("frame", view.frame_url), ("crop", view.crop_url))
        if link
    }
    return replace(view, **links)


def _truncated(view: EventView, smaller: dict[str, tuple[()]]) -> ExportedEvent:
    values = {name: getattr(view, name) for name in EventView.__struct_fields__}
    return ExportedEvent(**values | smaller, truncated=True)


def envelope(view: EventView, *, kind: Kind, base_url: str, now: datetime) -> bytes:
    """Return the JSON; other readings go first when it would be too long, then the tyres."""
    data = _with_links(view, base_url, now)
    body = _encode(Envelope(kind, view.received_at, data))
    if len(body) < MAX_BYTES:
        return body
    for smaller in SMALLER:
        body = _encode(Envelope(kind, view.received_at, _truncated(data, smaller)))
        if len(body) < MAX_BYTES:
            return body
    raise ValueError("the rest of an event is bounded, and far below the limit")


def build(view: EventView, base_url: str | None = None, now: datetime | None = None) -> bytes:
    """Return the body for an event as everybody sees it."""
    return envelope(
        view,
        kind=CREATED,
        base_url=settings.PUBLIC_URL if base_url is None else base_url,
        now=now or timezone.now(),
    )


def message(view: EventView, base_url: str | None = None, now: datetime | None = None) -> Message:
    parts = fields(view)
    return Message(
        id=message_id(parts["event_id"], view.sensor),
        body=build(view, base_url, now),
        fields=parts,
    )
