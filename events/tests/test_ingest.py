from __future__ import annotations

import hashlib
import json
import os
import threading
import uuid
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from anpr_project.lib.tests.factories import make_user
from cameras.tests.factories import make_camera
from events.models import PlateEvent
from events.pictures import images
from events.pictures.stores import disk
from events.tests.conftest import Sender, files_in, make_sender
from events.tests.factories import picture, reading
from sensors.models import SensorKey
from zones.tests.factories import make_zone


@pytest.mark.main_path
def test_event_with_pictures_is_stored_whole(sender: Sender, upload_dir: Path) -> None:
    frame, crop = picture((64, 48)), picture((32, 16), "PNG")
    body = reading(
        plate="ab12 cde",
        region="gb",
        bbox=[10, 10, 20, 10],
        sequence=7,
        candidates=[{"plate": "A812CDE", "confidence": 0.41}],
        vehicle={"type": "car", "make": "Volkswagen", "color": "blue", "year": 2019},
        location={"latitude": 51.5, "longitude": -0.12},
        tpms=[{"model": "Ford", "id": "45BB320F", "pressure_kpa": 233.1, "battery_ok": True}],
    )
    response = sender.send(body, frame=frame, crop=crop)
    assert response.status_code == 201, response.content
    answer = response.json()
    event = PlateEvent.objects.get()
    assert answer["id"] == event.pk
    assert answer["plate"] == "ab12 cde"
    assert answer["plate_normalized"] == event.plate_normalized == "AB12CDE"
    assert answer["camera"] == sender.sensor.camera_id
    assert answer["vehicle"] == body["vehicle"]
    assert answer["candidates"] == body["candidates"]
    assert answer["tpms"][0]["id"] == event.tyres.get().tyre_id == "45bb320f"
    assert answer["frame_url"] == f"/api/v1/events/{event.pk}/frame"
    assert answer["frame_sha256"] == hashlib.sha256(frame).hexdigest()
    assert (upload_dir / event.frame).read_bytes() == frame
    assert (upload_dir / event.crop).read_bytes() == crop
    assert event.crop.endswith(".png")


@pytest.mark.main_path
def test_event_alone_as_json_is_stored(sender: Sender) -> None:
    response = sender.post(json.dumps(reading()))
    assert response.status_code == 201
    assert response.json()["frame_url"] is None
    assert str(uuid.UUID(response.json()["event_id"])) == response.json()["event_id"]


def test_event_id_is_made_when_absent(sender: Sender) -> None:
    body = reading()
    del body["event_id"]
    first, second = sender.post(json.dumps(body)), sender.post(json.dumps(body))
    assert first.json()["event_id"] != second.json()["event_id"]


@pytest.mark.main_path
def test_repeated_event_is_stored_once_and_answered_the_same(
    sender: Sender, upload_dir: Path
) -> None:
    body, frame = reading(tpms=[{"id": "ff"}]), picture()
    first = sender.send(body, frame=frame)
    again = sender.send(json.dumps(body, indent=4), frame=frame)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert PlateEvent.objects.count() == 1
    assert len(files_in(upload_dir)) == 1


@pytest.mark.main_path
def test_same_event_id_with_other_content_is_refused(sender: Sender, upload_dir: Path) -> None:
    body = reading()
    sender.send(body, frame=picture())
    for other in (
        sender.send(body | {"plate": "OTHER1"}, frame=picture()),
        sender.send(body, frame=picture((65, 48))),
        sender.send(body),
    ):
        assert other.status_code == 422
        assert other.json()["code"] == "content_differs"
    assert PlateEvent.objects.count() == 1
    assert len(files_in(upload_dir)) == 1


def test_two_sensors_may_use_the_same_event_id(sender: Sender) -> None:
    body = json.dumps(reading())
    assert sender.post(body).status_code == 201
    assert make_sender().post(body).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_event_posted_by_many_threads_at_once_is_stored_once(upload_dir: Path) -> None:
    sender, body, frame = make_sender(), reading(), picture()
    statuses: list[int] = []

    def post() -> None:
        statuses.append(sender.send(body, frame=frame).status_code)
        connection.close()

    threads = [threading.Thread(target=post) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 7 + [201]
    assert PlateEvent.objects.count() == 1
    assert len(files_in(upload_dir)) == 1


def test_camera_of_another_sensor_is_refused(sender: Sender) -> None:
    other = make_camera()
    for camera in (other.pk, 10**12, 2**63 - 1):
        response = sender.post(json.dumps(reading(camera=camera)))
        assert response.status_code == 403
        assert response.json()["code"] == "camera_not_allowed"
    assert not PlateEvent.objects.exists()


def test_disabled_sensor_or_camera_is_refused(sender: Sender) -> None:
    sender.sensor.camera.enabled = False  # type: ignore[union-attr]  # make_sender gives one
    sender.sensor.camera.save()  # type: ignore[union-attr]
    assert sender.post(json.dumps(reading())).json()["code"] == "camera_not_allowed"
    sender.sensor.enabled = False
    sender.sensor.save()
    assert sender.post(json.dumps(reading())).status_code == 403


def test_sensor_without_camera_stores_events_without_camera(db: None) -> None:
    sender = make_sender()
    sender.sensor.camera = None
    sender.sensor.save()
    response = sender.post(json.dumps(reading()))
    assert response.status_code == 201
    assert response.json()["camera"] is None


def test_only_a_live_key_is_admitted(sender: Sender) -> None:
    body = json.dumps(reading())
    client = Client()

    def post(authorization: str) -> int:
        return client.post(
            "/api/v1/events/ingest",
            body,
            content_type="application/json",
            headers={"Authorization": authorization},
        ).status_code

    assert client.post("/api/v1/events/ingest", body, "application/json").status_code == 401
    for wrong in ("Api-Key", "Api-Key x", "Api-Key anpr_sk_a_b", "Api-Key \xff\x00", "Token x"):
        assert post(wrong) == 401, wrong
    assert post(sender.authorization[:-1] + "-") == 401
    assert post(sender.authorization.swapcase()) == 401
    SensorKey.objects.get().revoke()
    assert post(sender.authorization) == 401
    assert not PlateEvent.objects.exists()


def test_person_is_no_sensor(client: Client, db: None) -> None:
    from knox.models import AuthToken

    _, token = AuthToken.objects.create(make_user(is_superuser=True))
    response = client.post(
        "/api/v1/events/ingest",
        json.dumps(reading()),
        content_type="application/json",
        headers={"Authorization": f"Token {token}"},
    )
    assert response.status_code == 403


def test_life_signs_are_kept(sender: Sender) -> None:
    sender.post(json.dumps(reading(captured_at="2026-01-01T00:00:00Z")))
    sender.sensor.refresh_from_db()
    assert sender.sensor.last_seen_at is not None
    assert sender.sensor.clock_offset_s is not None
    assert sender.sensor.clock_offset_s > 0
    assert SensorKey.objects.get().last_used_at is not None


def test_exclusion_zone_answers_202_and_leaves_no_trace(db: None, upload_dir: Path) -> None:
    zone = make_zone(zone_type="exclusion", space="image")
    sender = make_sender(camera=make_camera(zone, width=100, height=100))
    inside = sender.send(reading(bbox=[10, 10, 10, 10]), frame=picture((100, 100)))
    assert inside.status_code == 202
    assert inside.json() == {"status": "excluded", "zone": zone.pk}
    outside = sender.send(reading(bbox=[60, 60, 10, 10]), frame=picture((100, 100)))
    assert outside.status_code == 201
    assert PlateEvent.objects.count() == len(files_in(upload_dir)) == 1


def test_nearly_full_disk_answers_507(sender: Sender, settings: Settings) -> None:
    settings.MIN_FREE_MB = 10**9
    images._free_space["checked_at"] = float("-inf")
    response = sender.send(reading(), frame=picture())
    assert response.status_code == 507
    assert response.json()["code"] == "disk_full"
    assert response["Retry-After"]
    assert not PlateEvent.objects.exists()


def test_disk_that_fills_while_writing_leaves_nothing(
    sender: Sender, upload_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(descriptor: int, data: bytes) -> None:
        os.write(descriptor, data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk, "_write", no_space)
    assert sender.send(reading(), frame=picture()).status_code == 507
    assert not PlateEvent.objects.exists()
    assert not files_in(upload_dir)


def test_upload_folder_without_rights_answers_503_and_leaves_nothing(
    sender: Sender, upload_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(descriptor: int, data: bytes) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(disk, "_write", denied)
    response = sender.send(reading(), frame=picture())
    assert response.status_code == 503
    assert response["Retry-After"]
    assert not PlateEvent.objects.exists()
    assert not files_in(upload_dir)


def test_ingest_costs_few_queries(
    sender: Sender, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    sender.post(json.dumps(reading()))
    with django_assert_num_queries(
        3
    ):  # key with sensor and camera; zones; INSERT (no memory in a test)
        assert sender.post(json.dumps(reading())).status_code == 201
