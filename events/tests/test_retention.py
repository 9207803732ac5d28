from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from events.dispatch import dispatch
from events.models import KnownPlate, PlateEvent, Rollup, TpmsReading
from events.retention import sweep_orphans
from events.tests.conftest import Sender, files_in
from events.tests.factories import picture, reading


def ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).isoformat()


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


def test_orphans_are_swept_and_nothing_else(sender: Sender, upload_dir: Path) -> None:
    sender.send(reading(), frame=picture())
    (kept,) = files_in(upload_dir)
    hour_ago = time.time() - 2 * 3600
    os.utime(kept, (hour_ago, hour_ago))
    old, young = kept.with_name("orphan.jpg"), kept.with_name("young.jpg")
    ancient = upload_dir / "2020/01/02/03/orphan.jpg"
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
