from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from pytest_django import Settings
from rest_framework.test import APIClient

from events.models import KnownPlate, PlateEvent, Rollup, TpmsReading
from events.pictures.orphans import sweep_orphans
from events.retention.expired_pictures import ExpiredPictures
from events.retention.policies import policies
from events.stream.dispatch import dispatch
from events.tests.conftest import Sender, files_in
from events.tests.factories import picture, reading
from sensors.models import SensorSettings
from zones.models import Zone
from zones.tests.factories import make_zone


def ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).isoformat()


def sent_to(sender: Sender, zone: Zone | None, plate: str, days: int, **files: bytes) -> None:
    SensorSettings.objects.filter(pk=sender.sensor.pk).update(zone=zone)
    body = reading(plate=plate, captured_at=ago(days=days))
    assert sender.send(body, **files).status_code == 201


def prune(*arguments: str) -> str:
    output = StringIO()
    call_command("prune_events", *arguments, stdout=output)
    return output.getvalue()


@pytest.mark.main_path
def test_old_events_go_with_pictures_tyres_and_counts(
    sender: Sender, upload_dir: Path, settings: Settings
) -> None:
    settings.RETENTION_DAYS = 30
    for plate, days in (("OLD1", 31), ("OLD2", 400), ("NEW1", 29)):
        body = reading(plate=plate, captured_at=ago(days=days), tpms=[{"id": "ff"}])
        sender.send(body, frame=picture(), crop=picture())
    dispatch()
    sender.send(reading(plate="OLD3", captured_at=ago(days=50)), frame=picture())
    assert prune("--batch", "2") == "3 events and 0 orphaned pictures deleted.\n"
    assert [event.plate for event in PlateEvent.objects.all()] == ["NEW1"]
    assert TpmsReading.objects.count() == 1
    assert len(files_in(upload_dir)) == 2
    assert [known.plate for known in KnownPlate.objects.all()] == ["NEW1"]
    assert sum(row.events for row in Rollup.objects.filter(span="hour", kind="all")) == 1


def test_days_can_be_given(sender: Sender) -> None:
    sender.post(json.dumps(reading(captured_at=ago(days=3))))
    assert prune("--days", "4").startswith("0 events")
    assert prune("--days", "2").startswith("1 events")
    with pytest.raises(CommandError):
        prune("--days", "-1")


@pytest.mark.main_path
def test_each_zone_has_its_own_days(sender: Sender, settings: Settings) -> None:
    settings.RETENTION_DAYS = 30
    short, long = make_zone(retention_days=2), make_zone(retention_days=400)
    for zone, days in ((None, 29), (None, 31), (short, 1), (short, 3), (long, 399), (long, 401)):
        sent_to(sender, zone, f"{zone.pk if zone else 'NONE'}D{days}", days)
    dispatch()
    assert prune().startswith("3 events")
    kept = sorted(event.plate for event in PlateEvent.objects.all())
    assert kept == sorted(["NONED29", f"{short.pk}D1", f"{long.pk}D399"])


@pytest.mark.main_path
def test_pictures_go_before_their_events(
    sender: Sender, upload_dir: Path, settings: Settings, api: APIClient
) -> None:
    settings.PICTURE_RETENTION_DAYS = 7
    zone = make_zone(picture_retention_days=20)
    for place, days in ((None, 6), (None, 8), (zone, 19), (zone, 21)):
        with time_machine.travel(datetime.now(UTC) - timedelta(days=days), tick=False):
            sent_to(sender, place, f"{'ZONE' if place else 'NONE'}{days}", 0, frame=picture())
    assert prune() == "0 events and 0 orphaned pictures deleted.\n"
    assert {event.plate: bool(event.frame) for event in PlateEvent.objects.all()} == {
        "NONE6": True,
        "NONE8": False,
        "ZONE19": True,
        "ZONE21": False,
    }
    assert len(files_in(upload_dir)) == 2
    gone = PlateEvent.objects.get(plate="NONE8")
    shown = api.get(f"/api/v1/events/{gone.pk}").json()
    assert shown["frame_url"] is None
    assert len(shown["frame_sha256"]) == 64  # there was one
    assert api.get(f"/api/v1/events/{gone.pk}/frame").status_code == 404


def test_hour_that_was_seen_to_is_passed_over_until_something_changes(
    sender: Sender, settings: Settings, django_assert_num_queries: Any
) -> None:
    settings.PICTURE_RETENTION_DAYS = 7
    zone = make_zone(picture_retention_days=20)
    with time_machine.travel(datetime.now(UTC) - timedelta(days=10), tick=False):
        sent_to(sender, zone, "KEPT", 0, frame=picture())
    usual, of_the_zone = policies()
    pictures = ExpiredPictures()
    list(pictures.delete(usual, 10))
    with django_assert_num_queries(1):  # the holds
        list(pictures.delete(usual, 10))
    list(pictures.delete(replace(usual, zones=(None, zone.pk)), 10))
    assert not PlateEvent.objects.get().frame
    assert of_the_zone.zones == (zone.pk,)


def test_orphans_are_swept_and_nothing_else(sender: Sender, upload_dir: Path) -> None:
    sender.send(reading(), frame=picture())
    (kept,) = files_in(upload_dir)
    hour_ago = time.time() - 2 * 3600
    os.utime(kept, (hour_ago, hour_ago))
    old, young = kept.with_name("orphan.jpg"), kept.with_name("young.jpg")
    # Not of this hour of the day, or it would have its turn now.
    other_hour = (datetime.now(UTC).hour + 12) % 24
    ancient = upload_dir / f"2020/01/02/{other_hour:02}/orphan.jpg"
    ancient.parent.mkdir(parents=True)
    (upload_dir / "2020/13/40/99").mkdir(parents=True)  # not an hour: left alone
    for file in (old, young, ancient):
        file.write_bytes(b"x")
    for file in (old, ancient):
        os.utime(file, (hour_ago, hour_ago))
    assert sweep_orphans(since=datetime(2021, 1, 1, tzinfo=UTC)) == 1
    assert sorted(files_in(upload_dir)) == sorted([kept, young, ancient])
    assert prune() == "0 events and 1 orphaned pictures deleted.\n"
    assert sorted(files_in(upload_dir)) == sorted([kept, young])
    assert not ancient.parent.exists()
