from __future__ import annotations

import io
import random
from typing import Any

import pytest
from PIL import Image

from events.pictures.images import UNREADABLE
from events.pictures.jpeg import outline_of
from events.tests.factories import picture

SIZE = (80, 60)


def noise(**options: Any) -> bytes:
    file = io.BytesIO()
    Image.effect_noise(SIZE, 60).save(file, "JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(noise(), id="grey"),
        pytest.param(picture(SIZE), id="colours"),
        pytest.param(noise(quality=95, restart_marker_blocks=2), id="with restarts"),
        pytest.param(noise(comment=b"camera 7"), id="with a comment"),
        pytest.param(noise() + b"\0\0\r\n", id="padded"),
    ],
)
def test_usual_jpeg_is_recognised_without_pillow(data: bytes) -> None:
    outline = outline_of(data)

    assert outline is not None
    assert (outline.width, outline.height) == SIZE
    assert data.startswith(outline.metadata)


def test_metadata_is_all_that_is_no_pixel() -> None:
    outline = outline_of(noise(comment=b"<script>"))

    assert outline is not None
    assert b"<script>" in outline.metadata


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(picture(SIZE, "PNG"), id="png"),
        pytest.param(noise(progressive=True), id="progressive"),
        pytest.param(noise()[:-2], id="cut off"),
        pytest.param(noise()[:30], id="cut off in the header"),
        pytest.param(noise() + noise(), id="two files"),
        pytest.param(noise()[:-2] + b"\xff\xfe\x00\x04<p\xff\xd9", id="comment behind the pixels"),
        pytest.param(noise()[:2] + b"\xff\xe2\x00\x08MPF\0ab" + noise()[2:], id="several pictures"),
    ],
)
def test_anything_else_is_left_to_pillow(data: bytes) -> None:
    assert outline_of(data) is None


def test_what_is_recognised_pillow_opens_with_the_same_size() -> None:
    chance = random.Random(7)  # noqa: S311 - must be repeatable
    whole, recognised = noise(quality=60), 0
    for _ in range(3000):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(620)] = chance.choice((0, 1, 8, 255, chance.randrange(256)))
        outline = outline_of(bytes(damaged))
        if outline is None:
            continue
        recognised += 1
        try:
            with Image.open(io.BytesIO(bytes(damaged))) as image:
                assert image.size == (outline.width, outline.height)
        except UNREADABLE:
            # Tables are only looked at when the picture is shown; then it is no picture.
            continue
    assert recognised > 100
