from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.models import EventReceipt, KnownPlate, PlateEvent, Rollup
from events.statistics.rollups import add_events, remove_events
from events.statistics.sketches import estimate
from events.stream.dispatch import dispatch
from events.tests.rows import NOON, build_event, make_event, store
from sensors.tests.factories import make_sensor
from zones.tests.factories import make_zone


@pytest.mark.main_path
def test_event_counts_in_its_hour_day_and_month(db: None) -> None:
    zone = make_zone()
    event = make_event("AB12", zone=zone, vehicle_type="car", confidence=0.25)
    dispatch()
    dispatch()  # nothing is counted twice
    rows = {(row.span, row.kind): row for row in Rollup.objects.all()}
    assert len(rows) == Rollup.objects.count() == 15
    assert {row.events for row in rows.values()} == {1}
    assert {row.confidence_sum for row in rows.values()} == {0.25}
    combination = rows["hour", "combination"]
    assert combination.starts_at == NOON
    assert combination.camera == event.camera_id
    assert combination.zone == zone.pk
    assert combination.vehicle_type == "car"
    assert rows["day", "all"].starts_at == NOON.replace(hour=0)
    assert rows["month", "all"].starts_at == NOON.replace(day=1, hour=0)
    assert (rows["day", "zone"].zone, rows["day", "zone"].camera) == (zone.pk, 0)
    assert estimate([combination.plates]) == 1


def test_sketch_holds_all_plates_of_its_row(db: None) -> None:
    sensor = make_sensor()
    for batch in range(3):
        store(build_event(sensor, f"P{n}") for n in range(batch * 500, batch * 500 + 1000))
        dispatch()
    row = Rollup.objects.get(span="day", kind="all")
    assert row.events == 3000
    assert estimate([row.plates]) == pytest.approx(2000, rel=0.03)
    assert len(row.plates) < 4200


def test_large_batch_takes_few_queries(db: None) -> None:
    sensor = make_sensor()
    events = store(
        build_event(sensor, f"P{n}", captured_at=NOON + timedelta(hours=n)) for n in range(500)
    )
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            add_events(events)
        # SQLite takes no more than 999 parameters a statement.
        assert len(queries) <= (6 if connection.vendor == "postgresql" else 30)
    assert Rollup.objects.filter(span="hour", kind="all", events=2).count() == 500


def test_no_events_change_nothing(db: None) -> None:
    add_events([])
    remove_events([])
    assert not Rollup.objects.exists()


def remove(events: list[PlateEvent]) -> None:
    remove_events(events)
    for model in (PlateEvent, EventReceipt):
        model.objects.filter(pk__in=[event.pk for event in events]).delete()


def test_removed_events_take_their_counts_and_plates_with_them(db: None) -> None:
    sensor = make_sensor()
    gone = [make_event("GONE", sensor, confidence=0.5), make_event("BOTH", sensor, confidence=0.5)]
    make_event("BOTH", sensor, confidence=1.0)
    dispatch()
    waiting = make_event("WAITING", sensor)
    stored = list(PlateEvent.objects.filter(pk__in=[event.pk for event in [*gone, waiting]]))
    remove(stored)
    assert set(Rollup.objects.values_list("events", "confidence_sum")) == {(1, 1.0)}
    assert list(KnownPlate.objects.values_list("plate", flat=True)) == ["BOTH"]
    remove(list(PlateEvent.objects.all()))
    assert not Rollup.objects.exists()


def test_removing_what_was_never_counted_makes_no_negative_rows(db: None) -> None:
    event = make_event(position=1)
    remove_events([event])
    assert not Rollup.objects.exists()
