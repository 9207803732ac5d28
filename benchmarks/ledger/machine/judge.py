"""Compares what the product has with what the model says; each difference is an AssertionError."""

# ruff: noqa: S101 - to assert is its purpose
from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db.models import Count

from events.models import EventReceipt, PlateEvent
from exporters.models import Delivery as DeliveryRow
from exporters.models import ExporterConfig
from ledger.machine.known import Delivery, Event
from ledger.machine.model import Model
from ledger.machine.sinks import OPEN_AFTER, Exporter
from ledger.machine.world import START, World

SLACK = timedelta(milliseconds=1)
EVENT = ("id", "sensor_id", "event_id", "plate", "plate_normalized", "confidence", "camera_id")
MORE = ("zone_id", "captured_at", "received_at")
DELIVERY = ("exporter_id", "event_id", "state", "attempts", "last_error", "next_attempt_at")


def judge(model: Model, world: World) -> None:
    """After each step: rows of events, their receipts, deliveries, state of exporters."""
    _events(model)
    _positions(model)
    _deliveries(model)
    for exporter in model.exporters:
        _heard(exporter, model, world)
    world.heard.clear()


def _expected(model: Model, event: Event) -> tuple[Any, ...]:
    body = event.body
    sensor = model.sensors[event.key.sensor].id
    row = (event.id, sensor, body["event_id"], body["plate"], event.plate, event.confidence)
    return (*row, event.camera, event.zone, event.captured_at, event.received_at)


def _events(model: Model) -> None:
    rows = PlateEvent.objects.order_by("id").values_list(*EVENT, *MORE)
    found = [(*row[:2], str(row[2]), *row[3:]) for row in rows]
    expected = sorted(_expected(model, event) for event in model.events.values())
    assert found == expected, "other events than the model has"


def _positions(model: Model) -> None:
    rows = EventReceipt.objects.order_by("id").values_list(
        "id", "sensor_id", "event_id", "position", "content_sha256"
    )
    numbers = {sensor.id: number for number, sensor in enumerate(model.sensors)}
    keys = [(numbers[sensor], str(event_id)) for _, sensor, event_id, *_ in rows]
    assert Counter(keys) == Counter([*model.events, *model.erased]), "other receipts"
    positions = {pk: position for pk, _, _, position, digest in rows if bytes(digest)}
    for event in model.events.values():
        assert positions[event.id] == event.position, "a position has changed"


def take_positions(model: Model, dispatched: list[Event]) -> None:
    """Read the positions that the dispatcher gave, which must rise from the last one on."""
    ids = [event.id for event in dispatched]
    given = dict(EventReceipt.objects.filter(pk__in=ids).values_list("id", "position"))
    positions = [given.get(pk) for pk in ids]
    assert None not in positions, "an event was not dispatched"
    rising = [model.head, *(position or 0 for position in positions)]
    assert all(a < b for a, b in pairwise(rising)), f"positions do not rise: {rising}"
    model.head = rising[-1]
    for event, position in zip(dispatched, positions, strict=True):
        event.position = position


def _deliveries(model: Model) -> None:
    rows = DeliveryRow.objects.annotate(number=Count("tries")).values_list(*DELIVERY, "number")
    found = {(row[0], row[1]): row[2:] for row in rows.order_by("id")}
    expected = {(e.id, one.event.id): one for e in model.exporters for one in e.deliveries}
    assert found.keys() == expected.keys(), (
        f"deliveries too many: {found.keys() - expected.keys()}, "
        f"missing: {expected.keys() - found.keys()}"
    )
    for key, one in expected.items():
        _delivery(one, found[key])


def _delivery(one: Delivery, row: tuple[str, int, str, datetime, int]) -> None:
    state, attempts, error, due_at, tries = row
    assert (state, attempts, tries) == (one.state, one.attempts, one.tries), (
        f"delivery of {one.event.plate} is {state}, {attempts} attempts of {tries}; "
        f"expected {one.state}, {one.attempts} of {one.tries}"
    )
    assert bool(error) == one.has_failed, "another last error"
    if state == "pending":
        assert one.earliest - SLACK <= due_at <= one.latest + SLACK, (
            f"due at {due_at}, expected {one.earliest} to {one.latest}"
        )
        # What chance has made of it.
        one.earliest = one.latest = due_at


def _heard(exporter: Exporter, model: Model, world: World) -> None:
    heard = [(message, data) for name, message, data in world.heard if name == exporter.name]
    expected = [
        (f"evt_{e.key.event_id.replace('-', '')}_{model.sensors[e.key.sensor].id}", e.id, e.plate)
        for e in exporter.asked
    ]
    exporter.asked.clear()
    found = [(message, data["id"], data["plate_normalized"]) for message, data in heard]
    assert found == expected, f"{exporter.name} heard {found}, expected {expected}"
    row = ExporterConfig.objects.get(pk=exporter.id)
    assert row.enabled == exporter.enabled, f"{exporter.name}: enabled {row.enabled}"
    assert row.failures == exporter.failures, (
        f"{exporter.name}: {row.failures} failures, expected {exporter.failures}"
    )
    assert row.paused_until == exporter.paused_until, (
        f"{exporter.name} is paused until {row.paused_until}, expected {exporter.paused_until}"
    )


def look(model: Model, world: World) -> None:
    """What the API shows: the list, the statistics, each exporter, one event's exports."""
    _list(model, world)
    _statistics(model, world)
    for exporter in model.exporters:
        _shown(exporter, world)
    for event in list(model.events.values())[-1:]:
        _, shown = world.call("GET", f"events/{event.id}")
        exports = {one["exporter"]: (one["status"], one["attempts"]) for one in shown["exports"]}
        assert exports == {
            exporter.id: (one.state, one.attempts)
            for exporter in model.exporters
            for one in exporter.deliveries
            if one.event is event
        }, "an event's exports"


def _list(model: Model, world: World) -> None:
    code, page = world.call("GET", "events?limit=500")
    expected = sorted(
        ((event.captured_at, event.id) for event in model.events.values()), reverse=True
    )
    assert code == 200
    assert [one["id"] for one in page["results"]] == [pk for _, pk in expected], "the list"


def _statistics(model: Model, world: World) -> None:
    since, until = START - timedelta(days=200), world.now + timedelta(days=10)
    ends = f"from={since:%Y-%m-%dT%H:%M:%SZ}&to={until:%Y-%m-%dT%H:%M:%SZ}"
    _, found = world.call("GET", f"events/stats?{ends}&bucket=week")
    events = list(model.events.values())
    plates = Counter(event.plate for event in events)
    top = sorted(plates.items(), key=lambda item: (-item[1], item[0]))[:10]
    assert found["total"] == len(events), f"{found['total']} counted, there are {len(events)}"
    assert found["unique_plates"] == len(plates), "distinct plates"
    assert sum(point["events"] for point in found["series"]) == len(events), "the series"
    for name in ("camera", "zone"):
        counted = {one[name]: one["events"] for one in found[f"by_{name}"] if one["events"]}
        assert counted == Counter(getattr(event, name) for event in events), f"by {name}"
    assert [(one["plate"], one["events"]) for one in found["top_plates"]] == top, "top plates"


def _shown(exporter: Exporter, world: World) -> None:
    code, shown = world.call("GET", f"exporters/{exporter.id}")
    state = shown["state"]
    counts = Counter(one.state for one in exporter.deliveries)
    assert code == 200
    assert (state["pending"], state["dead"]) == (counts["pending"], counts["dead"]), "counts"
    assert state["circuit"] == ("open" if exporter.failures >= OPEN_AFTER else "closed")
    is_paused = exporter.paused_until is not None and exporter.paused_until > world.now
    assert (state["paused_until"] is not None) == is_paused, "paused"
