"""Pictures: checked by content, kept before the answer, served without metadata."""

from __future__ import annotations

import hashlib
import io
import math
import secrets
import time
import warnings
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from PIL import Image
from rest_framework import status

from anpr_project.lib.errors import FieldError, TooLarge
from events.pictures import jpeg
from events.pictures.stores import picture_store
from events.pictures.stores.base import hour_prefix
from events.pictures.stores.disk import DiskFull

EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
CONTENT_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
MAX_PIXELS = 25_000_000
MAX_SIDE = 16_384
# What a file that pretends to be two things holds in its metadata. (No `<!doctype`: real cameras
# write XML property lists with one.) Pixels are not searched: they are served encoded anew.
ACTIVE_CONTENT = (b"<script", b"<html", b"<?php", b"%pdf-1.")
METADATA_BYTES = 64 * 1024
# What Pillow raises for damaged files (a broken PNG is a SyntaxError), and the disk for absent ones.
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError)


class NotAnImage(FieldError):
    status_code = status.HTTP_415_UNSUPPORTED_MEDIA_TYPE


@dataclass(frozen=True)
class Picture:
    """A checked picture that is not stored yet."""

    data: bytes
    extension: str
    width: int
    height: int
    sha256: str


def _is_whole(data: bytes, kind: str) -> bool:
    """Whether the file ends where its format ends: neither cut off nor carrying a second file."""
    if kind == "JPEG":
        return data.rstrip(jpeg.PADDING).endswith(b"\xff\xd9")
    if kind == "PNG":
        return data[-12:-4] == b"\x00\x00\x00\x00IEND"
    return 8 + int.from_bytes(data[4:8], "little") in (len(data), len(data) + 1)


def _holds_active_content(metadata: bytes) -> bool:
    text = metadata.lower()
    return any(marker in text for marker in ACTIVE_CONTENT)


def _refuse_size(width: int, height: int, field: str) -> None:
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise TooLarge(field, "pixels", f"More than {MAX_PIXELS} pixels.")


def _open(data: bytes, field: str) -> tuple[str, int, int]:
    """Return kind, width and height by Pillow. Only the header is decoded: a bomb does not unfold."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=list(EXTENSIONS))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise TooLarge(field, "pixels", f"More than {MAX_PIXELS} pixels.") from None
    except UNREADABLE:
        raise NotAnImage(field, "not_an_image", "Expected a JPEG, PNG or WebP image.") from None
    with image:
        kind = image.format or ""
        _refuse_size(*image.size, field)
        if kind not in EXTENSIONS or getattr(image, "n_frames", 1) != 1:
            raise NotAnImage(field, "not_an_image", "Expected one still image.")
    return kind, *image.size


def inspect(data: bytes, field: str) -> Picture:
    """Return the picture if it is one still JPEG, PNG or WebP of at most 25 megapixels.

    Raises NotAnImage or TooLarge for the field.
    """
    outline = jpeg.outline_of(data)
    if outline is not None:
        kind, (width, height, metadata) = "JPEG", outline
        _refuse_size(width, height, field)
    else:
        kind, width, height = _open(data, field)
        # PNG and WebP may carry it at the end too.
        metadata = data[:METADATA_BYTES] + data[-METADATA_BYTES:]
    if (outline is None and not _is_whole(data, kind)) or _holds_active_content(metadata):
        raise NotAnImage(field, "not_an_image", "The image is cut off or holds something else.")
    return Picture(data, EXTENSIONS[kind], width, height, hashlib.sha256(data).hexdigest())


_free_space = {"checked_at": float("-inf"), "bytes": math.inf}


def free_bytes() -> float:
    """Free bytes where pictures go, measured at most once a second; infinite without a limit."""
    now = time.monotonic()
    if now - _free_space["checked_at"] > 1:
        free = picture_store().free_bytes()
        _free_space.update(checked_at=now, bytes=math.inf if free is None else free)
    return _free_space["bytes"]


def refuse_when_full() -> None:
    if free_bytes() < settings.MIN_FREE_MB * 1024 * 1024:
        raise DiskFull


class StoredPictures:
    """The pictures of one event on their way to the store; `discard()` takes them back."""

    def __init__(self, pictures: dict[str, Picture], received_at: datetime) -> None:
        # Our own names: a sensor's file name is never used.
        stem = f"{hour_prefix(received_at)}/{secrets.token_hex(16)}"
        self._pictures = pictures
        self.names = {
            kind: f"{stem}-{kind}.{picture.extension}" for kind, picture in pictures.items()
        }

    @property
    def columns(self) -> dict[str, Any]:
        """Return what the event keeps of them: the names, and the digests of the bytes as sent."""
        digests = {f"{kind}_sha256": one.sha256 for kind, one in self._pictures.items()}
        return self.names | digests

    def write(self) -> None:
        """Keep all files durably; raises DiskFull or Unavailable."""
        if self.names:
            picture_store().put(
                {name: self._pictures[kind].data for kind, name in self.names.items()}
            )

    def discard(self) -> None:
        if self.names:
            picture_store().delete(self.names.values())


def extension(name: str) -> str:
    return name.rpartition(".")[2]


def content_type(name: str) -> str:
    return CONTENT_TYPES[extension(name)]


def shown(name: str, *, original: bool) -> bytes | None:
    """Return the picture without metadata, or the bytes as the sensor sent them.

    None: there is no picture, retention took it, or its inside is damaged.
    """
    if not name:
        return None
    try:
        data = picture_store().get(name)
        return data if original else without_metadata(data)
    except UNREADABLE:
        return None


def without_metadata(data: bytes) -> bytes:
    """Return the picture encoded anew: no EXIF, no GPS, no comment, nothing after its end.

    The pixels keep their place (no EXIF rotation): `bbox` counts in them. Raises one of UNREADABLE
    for a picture whose inside is damaged.
    """
    with Image.open(io.BytesIO(data), formats=list(EXTENSIONS)) as image:
        image.load()
        kind = image.format or "JPEG"
        # `keep` reuses the quantisation tables, so that nearly nothing is lost.
        options = {"quality": "keep"} if kind == "JPEG" else {}
        image.info.clear()
        file = io.BytesIO()
        image.save(file, kind, **options)
    return file.getvalue()
