from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from events.pictures.links import is_valid, signed_path
from events.tests.conftest import make_sender
from events.tests.factories import picture, reading

SOON = timedelta(minutes=5)


@pytest.fixture
def event(db: None, upload_dir: Path) -> int:
    sent = make_sender().send(reading(), frame=picture(), crop=picture())
    return int(sent.json()["id"])


@pytest.mark.main_path
def test_link_serves_the_picture_without_login(event: int, anonymous: APIClient) -> None:
    link = signed_path(event, "frame", timezone.now() + SOON)
    response = anonymous.get(link)
    assert response.status_code == 200
    assert response["Content-Type"] == "image/jpeg"
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "private" in response["Cache-Control"]


def test_link_opens_one_picture_of_one_event(event: int, anonymous: APIClient) -> None:
    link = signed_path(event, "frame", timezone.now() + SOON)
    for other in (link.replace("frame", "crop"), link.replace(f"/{event}/", f"/{event + 1}/")):
        assert anonymous.get(other).status_code == 403


def test_link_never_gives_the_original_not_even_to_administrators(
    event: int, api: APIClient
) -> None:
    link = signed_path(event, "frame", timezone.now() + SOON)
    assert api.get(link).status_code == 200
    assert api.get(f"{link}&original=1").status_code == 403


def test_expired_link_is_refused(event: int, anonymous: APIClient) -> None:
    response = anonymous.get(signed_path(event, "frame", timezone.now() - SOON))
    assert response.status_code == 403
    assert "expired" in response.json()["message"]


@pytest.mark.parametrize(
    "query",
    [
        "expires={expires}",
        "signature={signature}",
        "expires={later}&signature={signature}",
        "expires={expires}&signature={signature}x",
        "expires={expires}&signature=",
        "expires=&signature={signature}",
        "expires=-1&signature={signature}",
        "expires=0{expires}&signature={signature}",
        "expires=1e9&signature={signature}",
        "expires=%D9%A1&signature={signature}",
        "expires=99999999999999999999&signature={signature}",
        "expires={expires}&signature=%00%FF:%F0%9F%9A%97",
    ],
)
def test_tampered_link_is_refused_even_with_a_login(
    event: int, anonymous: APIClient, api: APIClient, query: str
) -> None:
    link = signed_path(event, "frame", timezone.now() + SOON)
    path, _, given = link.partition("?")
    parts = dict(pair.split("=") for pair in given.split("&"))
    wrong = query.format(**parts, later=int(parts["expires"]) + 1)
    for client in (anonymous, api):
        assert client.get(f"{path}?{wrong}").status_code == 403


def test_link_outlives_the_key_only_as_a_fallback(settings: Settings) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    query = signed_path(7, "crop", now + SOON).partition("?")[2]
    parts = dict(pair.split("=") for pair in query.split("&"))
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another " * 8

    def valid() -> bool:
        return is_valid(7, "crop", **parts, now=now)

    assert not valid()
    settings.SECRET_KEY_FALLBACKS = [old]
    assert valid()
    assert not is_valid(7, "crop", **parts, now=now + SOON)


def test_absent_picture_and_event_are_404_with_a_link(event: int, anonymous: APIClient) -> None:
    for missing in (event + 1, 10**30):
        link = signed_path(missing, "frame", timezone.now() + SOON)
        assert anonymous.get(link).status_code == 404
