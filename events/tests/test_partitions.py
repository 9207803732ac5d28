from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection

from events import partitions
from events.models import PlateEvent
from events.partitions import Month, make_ahead, months
from events.tests.rows import build_event, make_event, store
from sensors.tests.factories import make_sensor

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one plain table"),
]
NOW = datetime(2031, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def same_partitions_as_before() -> Iterator[None]:
    before = set(months())
    yield
    PlateEvent.objects.all().delete()
    for month in set(months()) - before:
        partitions.detach(month)
        partitions.drop(month)


def tables() -> dict[str, str]:
    """The table in which each plate lies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT plate, tableoid::regclass::text FROM events_plateevent")
        return dict(cursor.fetchall())


def test_migrations_make_this_month_and_the_next_two() -> None:
    this_month = Month.of(datetime.now(UTC))
    assert {this_month, this_month + 1, this_month + 2} <= set(months())
    assert make_ahead() == []


def test_months_are_made_ahead_over_the_end_of_the_year() -> None:
    assert make_ahead(NOW) == [(2031, 11), (2031, 12), (2032, 1)]
    assert make_ahead(NOW) == []


def test_each_event_lies_in_the_month_of_its_capture_in_utc() -> None:
    make_ahead(NOW)
    sensor = make_sensor()
    last = datetime(2031, 11, 30, 23, 59, 59, 999999, tzinfo=UTC)
    make_event("LAST", sensor, captured_at=last)
    make_event("FIRST", sensor, captured_at=datetime(2031, 12, 1, tzinfo=UTC))
    make_event("EPOCH", sensor, captured_at=datetime(1970, 1, 1, tzinfo=UTC))
    make_event("FUTURE", sensor, captured_at=datetime(2199, 12, 31, tzinfo=UTC))
    assert tables() == {
        "LAST": "events_plateevent_2031_11",
        "FIRST": "events_plateevent_2031_12",
        "EPOCH": "events_plateevent_default",
        "FUTURE": "events_plateevent_default",
    }


def test_month_that_has_grown_in_the_default_partition_moves_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(partitions, "MANY", 3)
    sensor = make_sensor()
    old, few = datetime(2029, 2, 3, tzinfo=UTC), datetime(2029, 3, 3, tzinfo=UTC)
    ancient = datetime(1970, 1, 1, tzinfo=UTC)
    store(build_event(sensor, f"OLD{n}", captured_at=old) for n in range(3))
    store(build_event(sensor, f"FEW{n}", captured_at=few) for n in range(2))
    store(build_event(sensor, f"ANCIENT{n}", captured_at=ancient) for n in range(3))
    assert make_ahead(NOW) == [(2029, 2), (2031, 11), (2031, 12), (2032, 1)]
    found = tables()
    assert {found[f"OLD{n}"] for n in range(3)} == {"events_plateevent_2029_02"}
    assert {found[plate] for plate in found if not plate.startswith("OLD")} == {
        "events_plateevent_default"
    }
