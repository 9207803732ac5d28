"""Pictures on a local or shared disk, written so that they survive a crash."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from rest_framework import exceptions, status

from anpr_project.lib.errors import Unavailable
from events.stores.base import PictureStore, StoredFile, hour_prefix, parse_hour

logger = logging.getLogger(__name__)

# Out of room, over the quota.
NO_SPACE = {errno.ENOSPC, errno.EDQUOT}


class DiskFull(exceptions.APIException):
    status_code = status.HTTP_507_INSUFFICIENT_STORAGE
    default_code = "disk_full"
    default_detail = "The disk is nearly full: the event was not kept. Try again later."


def _sync(folder: Path | str) -> None:
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


def _split(name: str) -> tuple[str, str]:
    """Return folder and file. Paths are plain strings here: pathlib's joins were 7 % of an event's
    time in the profile."""
    folder, _, file = f"{settings.UPLOAD_DIR}/{name}".rpartition("/")
    return folder, file


class DiskStore(PictureStore):
    """Below UPLOAD_DIR, a folder an hour."""

    def put(self, files: Mapping[str, bytes]) -> None:
        """Bring all files to disk: written beside, synced, renamed, folder synced."""
        try:
            self._put(files)
        except OSError as error:
            self._discard(files)
            if error.errno in NO_SPACE:
                raise DiskFull from error
            # Rights, descriptors, a disk that broke: the operator must hear of it.
            logger.exception("a picture could not be written")
            raise Unavailable from error

    def _put(self, files: Mapping[str, bytes]) -> None:
        places = {name: _split(name) for name in files}
        folders = {folder for folder, _ in places.values()}
        for folder in folders:
            _make_durable_folder(Path(folder))
        for name, (folder, file) in places.items():
            _write(f"{folder}/.{file}.part", files[name])
        for folder, file in places.values():
            os.rename(f"{folder}/.{file}.part", f"{folder}/{file}")  # noqa: PTH104 - see _split
        for folder in folders:
            _sync(folder)

    def _discard(self, names: Iterable[str]) -> None:
        for folder, file in map(_split, names):
            Path(f"{folder}/.{file}.part").unlink(missing_ok=True)
            Path(f"{folder}/{file}").unlink(missing_ok=True)

    def get(self, name: str) -> bytes:
        return (Path(settings.UPLOAD_DIR) / name).read_bytes()

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            (Path(settings.UPLOAD_DIR) / name).unlink(missing_ok=True)

    def hours(self) -> Iterator[datetime]:
        for folder in sorted(Path(settings.UPLOAD_DIR).glob("[0-9]*/[0-9]*/[0-9]*/[0-9]*")):
            hour = parse_hour("/".join(folder.parts[-4:]))
            if hour is not None:
                yield hour

    def _folder(self, hour: datetime) -> Path:
        return Path(settings.UPLOAD_DIR) / hour_prefix(hour)

    def files_of(self, hour: datetime) -> list[StoredFile]:
        prefix, files = hour_prefix(hour), []
        for entry in os.scandir(self._folder(hour)):
            # An ingest may rename its file between the listing and the look.
            with suppress(FileNotFoundError):
                stored_at = datetime.fromtimestamp(entry.stat().st_mtime, UTC)
                files.append(StoredFile(f"{prefix}/{entry.name}", stored_at))
        return files

    def drop_if_empty(self, hour: datetime) -> None:
        try:
            self._folder(hour).rmdir()
        except OSError:
            return

    def free_bytes(self) -> int | None:
        folder = Path(settings.UPLOAD_DIR)
        folder.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(folder).free

    def check(self) -> None:
        """Write and remove a file where the pictures go."""
        Path(settings.UPLOAD_DIR).mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=settings.UPLOAD_DIR, prefix=".probe-") as file:
            file.write(b"probe")
            file.flush()
