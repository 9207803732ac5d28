"""Pictures in an object storage: a real S3 server, the whole way of an event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from pytest_django import Settings
from rest_framework.test import APIClient

from anpr_project.lib.object_storage import s3_storage
from events.models import PlateEvent
from events.pictures.orphans import sweep_orphans
from events.pictures.stores import picture_store
from events.retention.deletion import expire
from events.tests.conftest import Sender, files_in
from events.tests.factories import picture, reading
from events.tests.object_storage import CREDENTIALS, object_storage

BUCKET = "pictures"


@pytest.fixture(scope="module")
def s3() -> Iterator[tuple[str, Any]]:
    """The address of a storage, and a client of our own."""
    with object_storage(BUCKET) as (url, client):
        yield url, client


def use(settings: Settings, url: str, bucket: str = BUCKET) -> None:
    settings.S3_BUCKET = bucket
    settings.STORAGES = settings.STORAGES | {
        "pictures": s3_storage(bucket_name=bucket, endpoint_url=url, **CREDENTIALS)
    }


@pytest.fixture
def client(s3: tuple[str, Any], settings: Settings) -> Iterator[Any]:
    url, client = s3
    use(settings, url)
    yield client
    for name in names(client):
        client.delete_object(Bucket=BUCKET, Key=name)


def names(client: Any) -> list[str]:
    return [found["Key"] for found in client.list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def test_pictures_are_objects_and_come_back_as_sent(
    client: Any, sender: Sender, api: APIClient, upload_dir: Path
) -> None:
    sent = picture()
    event = sender.send(reading(), frame=sent, crop=picture((20, 10))).json()
    stored = PlateEvent.objects.get()
    assert names(client) == sorted([stored.frame, stored.crop])
    assert not files_in(upload_dir)
    assert api.get(f"{event['frame_url']}?original=1").content == sent
    assert api.get(event["crop_url"]).status_code == 200


def test_a_repeat_leaves_no_second_object(client: Any, sender: Sender) -> None:
    body, frame = reading(event_id="0d3c8a52-6b0e-4c86-9b3b-0f3f1a1f7a11"), picture()
    assert sender.send(body, frame=frame).status_code == 201
    assert sender.send(body, frame=frame).status_code == 200
    assert len(names(client)) == 1


def test_a_storage_that_refuses_is_503_and_stores_no_event(
    s3: tuple[str, Any], sender: Sender, settings: Settings
) -> None:
    use(settings, s3[0], bucket="missing")
    answer = sender.send(reading(), frame=picture())
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer["Retry-After"]
    assert not PlateEvent.objects.exists()
    with pytest.raises(Exception, match="cannot take this"):
        picture_store().check()


def test_a_storage_out_of_reach_is_503(sender: Sender, settings: Settings) -> None:
    use(settings, "http://127.0.0.1:9")
    assert sender.send(reading(), frame=picture()).status_code == 503
    assert sender.post(json.dumps(reading())).status_code == 201


def test_a_picture_that_is_gone_is_404(client: Any, sender: Sender, api: APIClient) -> None:
    event = sender.send(reading(), frame=picture()).json()
    client.delete_object(Bucket=BUCKET, Key=names(client)[0])
    assert api.get(event["frame_url"]).status_code == 404


def test_retention_deletes_the_objects(client: Any, sender: Sender) -> None:
    sender.send(reading(), frame=picture(), crop=picture((20, 10)))
    assert sum(expire(0)) == 1
    assert names(client) == []


def test_orphaned_objects_are_swept_and_nothing_else(client: Any, sender: Sender) -> None:
    sender.send(reading(), frame=picture())
    kept = names(client)
    hour = f"{datetime.now(UTC):%Y/%m/%d/%H}"
    for name in (f"{hour}/orphan.jpg", "2020/13/40/99/not-an-hour.jpg"):
        client.put_object(Bucket=BUCKET, Key=name, Body=b"x")
    assert sweep_orphans() == 0  # all young
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=2)):
        assert sweep_orphans() == 1
    assert names(client) == sorted([*kept, "2020/13/40/99/not-an-hour.jpg"])


def test_health_and_room(client: Any) -> None:
    store = picture_store()
    store.check()
    assert store.free_bytes() is None
