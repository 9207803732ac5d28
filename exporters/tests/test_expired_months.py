"""Whole months go with everything that belongs to their events, deliveries included."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection

from events import partitions
from events.models import (
    DayPlate,
    EventReceipt,
    KnownPlate,
    LegalHold,
    MonthPlate,
    PlateEvent,
    Rollup,
    TpmsReading,
)
from events.partitions import Month, make_ahead
from events.retention import expired_months
from events.stream.dispatch import dispatch
from events.tests.conftest import Sender, files_in, make_sender
from events.tests.factories import picture, reading
from exporters.delivery import fan_out
from exporters.models import Delivery
from exporters.tests.factories import make_exporter

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one plain table"),
]
OLD = Month(2025, 3)
REPEATED = str(uuid.uuid4())


@pytest.fixture
def sender(upload_dir: Path) -> Iterator[Sender]:
    """A sensor with two events in an old month and two newer ones, one plate in both."""
    make_ahead(OLD.start)
    make_exporter()
    sender = make_sender()
    now = datetime.now(UTC)
    for plate, moment in (
        ("GONE", OLD.start),
        ("BOTH", OLD.end - timedelta(microseconds=1)),
        ("BOTH", now),
        ("KEPT", now),
    ):
        event_id = REPEATED if plate == "GONE" else str(uuid.uuid4())
        body = reading(plate=plate, captured_at=moment.isoformat(), event_id=event_id)
        sender.send(body | {"tpms": [{"id": "ff"}]}, frame=picture())
    dispatch(fan_out)
    yield sender
    for month in partitions.months():
        if month < Month(2025, 12):
            partitions.detach(month)
    for month in partitions.set_apart():
        partitions.drop(month)


def prune() -> str:
    out = StringIO()
    call_command("prune_events", "--days", "90", stdout=out)
    return out.getvalue()


def assert_only_the_new_is_left(upload_dir: Path) -> None:
    assert sorted(event.plate for event in PlateEvent.objects.all()) == ["BOTH", "KEPT"]
    kept = set(PlateEvent.objects.values_list("pk", flat=True))
    for model in (TpmsReading, Delivery):
        assert set(model.objects.values_list("event", flat=True)) == kept
    assert set(EventReceipt.objects.values_list("pk", flat=True)) == kept
    assert {known.plate for known in KnownPlate.objects.all()} == {"BOTH", "KEPT"}
    assert sum(row.events for row in Rollup.objects.filter(span="hour", kind="all")) == 2
    assert not Rollup.objects.filter(starts_at__lt=OLD.end).exists()
    assert sum(row.events for row in DayPlate.objects.all()) == 2
    assert sum(row.events for row in MonthPlate.objects.all()) == 2
    assert len(files_in(upload_dir)) == 2
    assert OLD not in partitions.months()
    assert partitions.set_apart() == []


@pytest.mark.usefixtures("sender")
def test_expired_month_goes_whole(upload_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expired_months, "STEP", 1)
    assert prune() == "2 events and 0 orphaned pictures deleted.\n"
    assert_only_the_new_is_left(upload_dir)
    assert prune().startswith("0 events")


def test_what_arrives_while_a_month_is_emptied_goes_too(sender: Sender, upload_dir: Path) -> None:
    steps = expired_months.drop_months(OLD.end)
    assert next(steps) == 2
    # Its receipt is gone already: for the sensor it is new, and for us expired.
    body = reading(plate="GONE", captured_at=OLD.start.isoformat(), event_id=REPEATED)
    assert sender.send(body, frame=picture()).status_code == 201
    dispatch(fan_out)
    list(steps)
    assert_only_the_new_is_left(upload_dir)


@pytest.mark.usefixtures("sender")
def test_crash_after_a_month_was_set_apart_is_made_good(
    upload_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(month: Month) -> None:
        raise DatabaseError

    with monkeypatch.context() as patch:
        patch.setattr(partitions, "drop", crash)
        with pytest.raises(DatabaseError):
            list(expired_months.drop_months(OLD.end))
    assert partitions.set_apart() == [OLD]
    prune()
    assert_only_the_new_is_left(upload_dir)


@pytest.mark.usefixtures("sender")
def test_month_with_held_events_loses_all_others(upload_dir: Path) -> None:
    LegalHold.objects.create(name="Case", reason="court", plate="GONE")
    prune()
    assert sorted(event.plate for event in PlateEvent.objects.all()) == ["BOTH", "GONE", "KEPT"]
    assert OLD in partitions.months()
    assert len(files_in(upload_dir)) == 3


@pytest.mark.usefixtures("sender")
def test_hold_placed_while_a_month_goes_keeps_what_is_left_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(expired_months, "STEP", 1)
    steps = expired_months.drop_months(OLD.end)
    assert next(steps) == 1  # GONE
    LegalHold.objects.create(name="Case", reason="court", plate="BOTH")
    list(steps)
    prune()
    kept = PlateEvent.objects.filter(captured_at__lt=OLD.end)
    assert [(event.plate, event.position is not None) for event in kept] == [("BOTH", True)]
    days = DayPlate.objects.filter(starts_on__lt=OLD.end.date())
    assert [(row.plate, row.events) for row in days] == [("BOTH", 1)]


@pytest.mark.usefixtures("sender")
def test_hold_placed_while_the_counts_of_a_month_go_keeps_its_events_and_counts_them() -> None:
    steps = expired_months.drop_months(OLD.end)
    assert next(steps) == 2
    assert next(steps) == 0  # a day of its counts
    LegalHold.objects.create(name="Case", reason="court", plate="BOTH")
    list(steps)
    assert DayPlate.objects.filter(starts_on__lt=OLD.end.date()).count() == 2
    prune()
    kept = PlateEvent.objects.filter(captured_at__lt=OLD.end)
    assert [event.plate for event in kept] == ["BOTH"]
    days = DayPlate.objects.filter(starts_on__lt=OLD.end.date())
    assert [(row.plate, row.events) for row in days] == [("BOTH", 1)]
    months = Rollup.objects.filter(span="month", kind="all", starts_at__lt=OLD.end)
    assert [row.events for row in months] == [1]


@pytest.mark.usefixtures("sender")
def test_month_in_use_is_left_for_the_next_time(
    monkeypatch: pytest.MonkeyPatch, upload_dir: Path
) -> None:
    """Who waits for a reader's end makes everybody else wait behind it: so it waits shortly."""
    monkeypatch.setattr(expired_months, "TRIES", 2)
    monkeypatch.setattr(expired_months, "PAUSE_S", 0.1)
    monkeypatch.setattr(partitions, "LOCK_TIMEOUT", "50ms")
    reader = connection.copy()
    reader.set_autocommit(False)
    with reader.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM events_plateevent")
    assert sum(expired_months.drop_months(OLD.end)) == 2
    assert OLD in partitions.months()
    reader.rollback()
    reader.close()
    prune()
    assert_only_the_new_is_left(upload_dir)


@pytest.mark.usefixtures("sender")
def test_month_that_has_not_ended_at_the_limit_stays() -> None:
    assert list(expired_months.drop_months(OLD.end - timedelta(seconds=1))) == []
    assert OLD in partitions.months()
    assert PlateEvent.objects.count() == 4
