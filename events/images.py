"""Pictures: checked by content, written so that they survive a crash, served without metadata."""

from __future__ import annotations

import errno
import hashlib
import io
import logging
import os
import secrets
import shutil
import time
import warnings
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from PIL import Image
from rest_framework import exceptions, status

from anpr_project.lib.errors import FieldError, TooLarge, Unavailable

logger = logging.getLogger(__name__)

EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
CONTENT_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
MAX_PIXELS = 25_000_000
MAX_SIDE = 16_384
# What a file that pretends to be two things holds in its metadata. (No `<!doctype`: real cameras
# write XML property lists with one.) Pixels are not searched: they are served encoded anew.
ACTIVE_CONTENT = (b"<script", b"<html", b"<?php", b"%pdf-1.")
METADATA_BYTES = 64 * 1024
# Out of room, over the quota.
NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
# What Pillow raises for damaged files (a broken PNG is a SyntaxError), and the disk for absent ones.
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError)
PADDING = b"\x00\xff\r\n\t "


class NotAnImage(FieldError):
    status_code = status.HTTP_415_UNSUPPORTED_MEDIA_TYPE


class DiskFull(exceptions.APIException):
    status_code = status.HTTP_507_INSUFFICIENT_STORAGE
    default_code = "disk_full"
    default_detail = "The disk is nearly full: the event was not kept. Try again later."


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
        return data.rstrip(PADDING).endswith(b"\xff\xd9")
    if kind == "PNG":
        return data[-12:-4] == b"\x00\x00\x00\x00IEND"
    return 8 + int.from_bytes(data[4:8], "little") in (len(data), len(data) + 1)


def _holds_active_content(data: bytes) -> bool:
    # PNG and WebP may carry it at the end too.
    metadata = (data[:METADATA_BYTES] + data[-METADATA_BYTES:]).lower()
    return any(marker in metadata for marker in ACTIVE_CONTENT)


def inspect(data: bytes, field: str) -> Picture:
    """Return the picture if it is one still JPEG, PNG or WebP of at most 25 megapixels.

    Only the header is decoded: the size is known before a bomb could unfold. Raises NotAnImage or
    TooLarge for the field.
    """
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
        if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE:
            raise TooLarge(field, "pixels", f"More than {MAX_PIXELS} pixels.")
        if kind not in EXTENSIONS or getattr(image, "n_frames", 1) != 1:
            raise NotAnImage(field, "not_an_image", "Expected one still image.")
    if not _is_whole(data, kind) or _holds_active_content(data):
        raise NotAnImage(field, "not_an_image", "The image is cut off or holds something else.")
    return Picture(data, EXTENSIONS[kind], *image.size, hashlib.sha256(data).hexdigest())


_free_space = {"checked_at": float("-inf"), "bytes": 0.0}


def free_bytes() -> float:
    """Free bytes where pictures go, measured at most once a second."""
    now = time.monotonic()
    if now - _free_space["checked_at"] > 1:
        folder = Path(settings.UPLOAD_DIR)
        folder.mkdir(parents=True, exist_ok=True)
        _free_space.update(checked_at=now, bytes=float(shutil.disk_usage(folder).free))
    return _free_space["bytes"]


def refuse_when_full() -> None:
    if free_bytes() < settings.MIN_FREE_MB * 1024 * 1024:
        raise DiskFull


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# What this process has itself seen synced; a bound on memory, an hour has one folder.
_durable: deque[Path] = deque(maxlen=8)


def _make_durable_folder(folder: Path) -> None:
    """Make a folder that is still there after a power cut: each name is synced in its parent.

    That it exists is not enough: another process may have made it and not synced it yet.
    """
    if folder in _durable and folder.is_dir():
        return
    if folder != Path(settings.UPLOAD_DIR):
        _make_durable_folder(folder.parent)
    folder.mkdir(parents=True, exist_ok=True)
    _sync(folder.parent)
    _durable.append(folder)


def _write(path: str, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class StoredPictures:
    """The pictures of one event on their way to disk; `discard()` takes them back.

    Paths are plain strings here: pathlib's joins were 7 % of an event's time in the profile.
    """

    def __init__(self, pictures: dict[str, Picture], received_at: datetime) -> None:
        self._folder = f"{received_at:%Y/%m/%d/%H}"
        # Our own names: a sensor's file name is never used.
        stem = secrets.token_hex(16)
        self._pictures = pictures
        self._files = {
            kind: f"{stem}-{kind}.{picture.extension}" for kind, picture in pictures.items()
        }

    @property
    def names(self) -> dict[str, str]:
        """The files' names below UPLOAD_DIR."""
        return {kind: f"{self._folder}/{file}" for kind, file in self._files.items()}

    def write(self) -> None:
        """Bring all files to disk: written beside, synced, renamed, folder synced."""
        if not self._files:
            return
        try:
            self._write_all()
        except OSError as error:
            self.discard()
            if error.errno in NO_SPACE:
                raise DiskFull from error
            # Rights, descriptors, a disk that broke: the operator must hear of it.
            logger.exception("a picture could not be written")
            raise Unavailable from error

    def _write_all(self) -> None:
        folder = Path(settings.UPLOAD_DIR) / self._folder
        _make_durable_folder(folder)
        for kind, file in self._files.items():
            _write(f"{folder}/.{file}.part", self._pictures[kind].data)
        for file in self._files.values():
            os.rename(f"{folder}/.{file}.part", f"{folder}/{file}")  # noqa: PTH104 - see above
        _sync(folder)

    def discard(self) -> None:
        folder = Path(settings.UPLOAD_DIR) / self._folder
        for file in self._files.values():
            (folder / f".{file}.part").unlink(missing_ok=True)
            (folder / file).unlink(missing_ok=True)


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
        data = (Path(settings.UPLOAD_DIR) / name).read_bytes()
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
