"""What is kept about plates, and who was given it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec
from django.db.models import Count, Max, Min, Q, QuerySet

from events.models import LegalHold, PlateEvent, PlateEventQuerySet
from events.plates import normalize
from events.search.similar import look_alikes
from evidence.looks import count_packages_with
from exporters.models import Delivery, ExporterConfig

MOST_NEAR_MISSES = 50


class Recipient(msgspec.Struct, frozen=True):
    """An exporter, and how many of the events it has, or is still to have."""

    exporter: int
    name: str
    delivered: int
    pending: int
    dead: int


class NearMiss(msgspec.Struct, frozen=True):
    """Another plate that a reader may have made of this one."""

    plate: str
    events: int
    reason: str


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    events: int
    pictures: int
    first_captured_at: datetime | None
    last_captured_at: datetime | None
    recipients: tuple[Recipient, ...]
    # Names of active holds that keep an event of it.
    holds: tuple[str, ...]
    # Names of exporters whose filters name the plate, and of holds that do, also lifted ones.
    watched_by: tuple[str, ...]
    named_by_holds: tuple[str, ...]
    evidence_packages: int
    near_misses: tuple[NearMiss, ...]


def events_of(plates: Collection[str]) -> PlateEventQuerySet:
    return PlateEvent.objects.filter(plate_normalized__in=plates)


def recipients_of(deliveries: QuerySet[Delivery]) -> tuple[Recipient, ...]:
    rows = (
        deliveries.order_by("exporter")
        .values_list("exporter", "exporter__name")
        .annotate(
            delivered=Count("pk", filter=Q(state=Delivery.State.DELIVERED)),
            pending=Count("pk", filter=Q(state=Delivery.State.PENDING)),
            dead=Count("pk", filter=Q(state=Delivery.State.DEAD)),
        )
    )
    return tuple(Recipient(*row) for row in rows)


def holding(events: PlateEventQuerySet) -> list[LegalHold]:
    """Return the active holds under which one of the events is."""
    held = LegalHold.objects.held()
    if held is None or not events.filter(held).exists():
        return []
    active = LegalHold.objects.active().order_by("id")
    return [hold for hold in active if events.filter(hold.condition).exists()]


def kept_about(plates: Sequence[str]) -> Kept:
    """Look at everything that an erasure of these plates would meet; changes nothing."""
    events = events_of(plates)
    counts = events.order_by().aggregate(
        events=Count("pk"),
        frames=Count("pk", filter=~Q(frame="")),
        crops=Count("pk", filter=~Q(crop="")),
        first=Min("captured_at"),
        last=Max("captured_at"),
    )
    named = LegalHold.objects.filter(plate__in=plates).order_by("id")
    ids = list(events.order_by().values_list("pk", flat=True))
    return Kept(
        events=counts["events"],
        pictures=counts["frames"] + counts["crops"],
        first_captured_at=counts["first"],
        last_captured_at=counts["last"],
        recipients=recipients_of(Delivery.objects.filter(event__plate_normalized__in=plates)),
        holds=tuple(hold.name for hold in holding(events)),
        watched_by=watched_by(plates),
        named_by_holds=tuple(named.values_list("name", flat=True)),
        evidence_packages=count_packages_with(ids),
        near_misses=_near_misses(plates),
    )


def watched_by(plates: Collection[str]) -> tuple[str, ...]:
    """Return the exporters whose filters name one of the plates itself."""
    return tuple(
        exporter.name
        for exporter in ExporterConfig.objects.only("name", "filters")
        if not {normalize(text) for text in exporter.filters.get("plates", ())}.isdisjoint(plates)
    )


def _near_misses(plates: Sequence[str]) -> tuple[NearMiss, ...]:
    reasons = {near: match.reason for plate in plates for near, match in look_alikes(plate).items()}
    others = list(reasons.keys() - set(plates))
    rows = events_of(others).order_by().values_list("plate_normalized").annotate(Count("pk"))
    found = sorted(rows, key=lambda row: (-row[1], row[0]))
    return tuple(
        NearMiss(plate, number, reasons[plate]) for plate, number in found[:MOST_NEAR_MISSES]
    )
