from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from django.test import Client
from PIL import Image
from rest_framework.test import APIClient

from anpr_project.lib.errors import TooLarge
from anpr_project.lib.tests.factories import make_user
from events.pictures import images
from events.pictures.stores import disk
from events.tests.conftest import Sender
from events.tests.factories import picture, reading


def exif() -> bytes:
    tags = Image.Exif()
    tags[0x010F] = "Canary Camera Works"
    tags.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    return tags.tobytes()


@pytest.fixture
def frame_url(sender: Sender) -> str:
    data = picture((64, 48), exif=exif(), comment=b"canary comment")
    url: str = sender.send(reading(), frame=data).json()["frame_url"]
    return url


def test_picture_is_served_without_metadata(frame_url: str, api: APIClient) -> None:
    response = api.get(frame_url)
    assert response.status_code == 200
    assert response["Content-Type"] == "image/jpeg"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "private" in response["Cache-Control"]
    assert "sandbox" in response["Content-Security-Policy"]
    assert b"anary" not in response.content
    assert b"Exif" not in response.content
    with Image.open(io.BytesIO(response.content)) as image:
        assert image.size == (64, 48)
        assert not dict(image.getexif())


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_other_formats_lose_their_metadata_too(sender: Sender, api: APIClient, kind: str) -> None:
    url = sender.send(reading(), crop=picture(kind=kind, exif=exif())).json()["crop_url"]
    response = api.get(url)
    assert response["Content-Type"] == f"image/{kind.lower()}"
    assert b"Canary" not in response.content


def test_original_is_for_administrators_only(
    sender: Sender, frame_url: str, api: APIClient, upload_dir: Path
) -> None:
    response = api.get(frame_url + "?original=1")
    assert b"Canary Camera Works" in response.content
    assert response["Content-Disposition"].startswith("attachment")
    viewer = APIClient()
    viewer.force_authenticate(make_user(role="Viewers"))
    assert viewer.get(frame_url).status_code == 200
    assert viewer.get(frame_url + "?original=1").status_code == 403


def test_picture_needs_a_login_and_the_right(frame_url: str, client: Client) -> None:
    assert client.get(frame_url).status_code == 401
    stranger = APIClient()
    stranger.force_authenticate(make_user())
    assert stranger.get(frame_url).status_code == 403


def test_absent_or_damaged_picture_is_404(
    sender: Sender, frame_url: str, api: APIClient, upload_dir: Path
) -> None:
    assert api.get(frame_url.replace("frame", "crop")).status_code == 404
    assert api.get("/api/v1/events/999999/frame").status_code == 404
    assert api.get(f"/api/v1/events/{10**30}/frame").status_code == 404
    (file,) = upload_dir.rglob("*.jpg")
    data = bytearray(file.read_bytes())
    data[150:] = b"\x55" * (len(data) - 150)
    file.write_bytes(bytes(data))
    assert api.get(frame_url).status_code == 404
    file.unlink()
    assert api.get(frame_url).status_code == 404


def test_no_damage_makes_a_picture_a_failure_of_ours() -> None:
    """What passes the look at the header may be broken inside, in any way."""
    chance, outcomes = random.Random(3), set()  # noqa: S311 - no secret
    originals = [picture(kind=kind) for kind in ("JPEG", "PNG", "WEBP")]
    for _ in range(3000):
        damaged = bytearray(chance.choice(originals))
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            kept = images.inspect(bytes(damaged), "frame")
        except (images.NotAnImage, TooLarge):
            outcomes.add("refused")
            continue
        try:
            images.without_metadata(kept.data)
            outcomes.add("shown")
        except images.UNREADABLE as error:
            outcomes.add(type(error).__name__)
    assert outcomes >= {"refused", "shown", "OSError", "SyntaxError"}


def test_folder_made_by_another_process_is_synced_once_by_this_one(
    upload_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other may not have synced it yet: an answer must not rest on that."""
    synced: list[Path] = []
    monkeypatch.setattr(disk, "_sync", synced.append)
    hour = upload_dir / "2026" / "11"
    hour.mkdir(parents=True)
    disk._make_durable_folder(str(hour))
    assert synced == [upload_dir.parent, upload_dir, upload_dir / "2026"]
    disk._make_durable_folder(str(hour))
    assert len(synced) == 3
    hour.rmdir()
    disk._make_durable_folder(str(hour))
    assert hour.is_dir()
