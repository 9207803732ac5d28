from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from cameras.models import Camera
from cameras.rtsp import masked
from cameras.tests.factories import make_camera

PATH = "/api/v1/config/cameras"
STORED = "rtsp://viewer:s3cret@192.0.2.1:554/stream?channel=1"
MASKED = "rtsp://viewer:***@192.0.2.1:554/stream?channel=1"


def make(url: str = STORED) -> tuple[Camera, str]:
    camera = make_camera(rtsp_url=url)
    return camera, f"{PATH}/{camera.pk}"


def stored(camera: Camera) -> str:
    camera.refresh_from_db()
    return camera.rtsp_url


@pytest.mark.main_path
def test_password_is_never_shown_and_encrypted_at_rest(api: APIClient) -> None:
    made = api.post(PATH, {"name": "gate", "rtsp_url": STORED})
    assert made.json()["rtsp_url"] == MASKED
    camera, path = Camera.objects.get(), f"{PATH}/{made.json()['id']}"
    for response in (made, api.get(path), api.get(PATH), api.patch(path, {"fps": 5})):
        assert b"s3cret" not in response.content
    assert stored(camera) == STORED
    with connection.cursor() as cursor:
        cursor.execute("SELECT rtsp_url FROM cameras_camera")
        assert b"s3cret" not in str(cursor.fetchone()[0]).encode()


@pytest.mark.parametrize("method", ["put", "patch"])
def test_masked_url_sent_back_keeps_the_password(api: APIClient, method: str) -> None:
    camera, path = make()
    shown = api.get(path).json()
    assert getattr(api, method)(path, shown).status_code == 200
    assert stored(camera) == STORED


def test_path_may_change_with_the_mask_and_keeps_the_password(api: APIClient) -> None:
    camera, path = make()
    response = api.patch(path, {"rtsp_url": "rtsp://viewer:***@192.0.2.1:554/other"})
    assert response.json()["rtsp_url"] == "rtsp://viewer:***@192.0.2.1:554/other"
    assert stored(camera) == "rtsp://viewer:s3cret@192.0.2.1:554/other"


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://viewer:***@192.0.2.66:554/stream",
        "rtsp://viewer:***@192.0.2.1:555/stream",
        "rtsp://other:***@192.0.2.1:554/stream",
        "rtsps://viewer:***@192.0.2.1:554/stream",
    ],
)
def test_mask_at_another_address_is_refused(api: APIClient, url: str) -> None:
    camera, path = make()
    response = api.patch(path, {"rtsp_url": url})
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "rtsp_url"
    assert response.json()["errors"][0]["code"] == "password"
    assert b"s3cret" not in response.content
    assert stored(camera) == STORED


def test_mask_without_a_stored_password_is_refused(api: APIClient) -> None:
    assert api.post(PATH, {"name": "gate", "rtsp_url": MASKED}).status_code == 400
    _, path = make("rtsp://viewer@192.0.2.1:554/stream")
    response = api.patch(path, {"rtsp_url": "rtsp://viewer:***@192.0.2.1:554/stream"})
    assert response.status_code == 400


def test_new_password_and_no_password_are_taken(api: APIClient) -> None:
    camera, path = make()
    api.patch(path, {"rtsp_url": "rtsp://viewer:n3w@192.0.2.1:554/stream"})
    assert stored(camera) == "rtsp://viewer:n3w@192.0.2.1:554/stream"
    api.patch(path, {"rtsp_url": ""})
    assert stored(camera) == ""


def test_camera_whose_key_is_lost_is_still_listed_and_not_overwritten(
    api: APIClient, settings: Any
) -> None:
    camera, path = make()
    keys = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = ["A" * 43 + "="]
    assert api.get(path).json()["rtsp_url"] == ""
    assert api.patch(path, {"fps": 5}).status_code == 200
    settings.ENCRYPTION_KEYS = keys
    assert stored(camera) == STORED


@pytest.mark.parametrize(
    "url",
    [
        *["http://192.0.2.1/", "rtsp://", "rtsp:///x", "x", "rtsp://h:99999/", "rtsp://h:x/"],
        *["rtsp://[::1", "rtsp://a b/", "rtsp://a\u2100b/"],
    ],
)
def test_what_is_no_rtsp_url_is_refused(api: APIClient, url: str) -> None:
    response = api.post(PATH, {"name": "gate", "rtsp_url": url})
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "rtsp_url"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("", ""),
        ("rtsp://h/x", "rtsp://h/x"),
        ("rtsp://u@h/x", "rtsp://u@h/x"),
        ("rtsp://:p@h/x", "rtsp://:***@h/x"),
        ("rtsp://u:p@ss:w@[2001:db8::1]:554/x", "rtsp://u:***@[2001:db8::1]:554/x"),
    ],
)
def test_only_the_password_is_masked(url: str, shown: str) -> None:
    assert masked(url) == shown
