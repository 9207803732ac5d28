"""What an acknowledgement rests on: files synced and in place, row committed, nobody else asked."""

from __future__ import annotations

import json
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError

from cameras.tests.factories import make_camera
from events.ingest import recording
from events.ingest.insert import NewEvent, insert_event
from events.ingest.recording import record
from events.ingest.submission import Submission
from events.models import PlateEvent
from events.readings import decode_reading
from events.tests.conftest import Sender, files_in, make_sender
from events.tests.factories import picture, reading
from sensors.credentials import Credential
from sensors.models import SensorKey


def test_files_are_synced_then_their_folder_then_the_row_is_written(
    sender: Sender, upload_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender.send(reading(), frame=picture())  # the hour's folder is there
    steps: list[str] = []
    fsync = os.fsync

    def synced(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("sync folder" if is_folder else "sync file")
        fsync(descriptor)

    def inserted(new: NewEvent) -> bool:
        steps.append("insert")
        assert (upload_dir / new.frame).is_file()
        assert (upload_dir / new.crop).is_file()
        return insert_event(new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(recording, "insert_event", inserted)
    assert sender.send(reading(), frame=picture(), crop=picture((20, 10))).status_code == 201
    assert steps == ["sync file", "sync file", "sync folder", "insert"]


def test_no_connection_is_opened_on_the_way_to_the_answer(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither Redis nor a broker nor an exporter: PostgreSQL's library uses no Python socket."""

    def connect(*arguments: Any) -> None:
        raise AssertionError(f"connects to {arguments[1:]}")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket.socket, "send", connect)
    monkeypatch.setattr(socket.socket, "sendall", connect)
    assert sender.send(reading(tpms=[{"id": "ff"}]), frame=picture()).status_code == 201
    batch = json.dumps([reading()])
    assert sender.post(batch, path="/api/v1/events/ingest/batch").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_camera_deleted_at_the_same_moment_leaves_no_file(upload_dir: Path) -> None:
    camera = make_camera()
    sensor = make_sender(camera=camera).sensor
    credential = Credential(SensorKey(sensor=sensor), zones=())
    type(sensor).objects.update(camera=None)
    type(camera).objects.filter(pk=camera.pk).delete()
    submission = Submission(
        reading=decode_reading(json.dumps(reading()).encode()),
        frame=picture(),
        crop=None,
        received_bytes=0,
    )
    with pytest.raises(IntegrityError):
        record(credential=credential, submission=submission)
    assert not PlateEvent.objects.exists()
    assert not files_in(upload_dir)
