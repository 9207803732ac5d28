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
from events.pictures.stores.base import PictureStore, StoredFile, hour_prefix, parse_hour

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


NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
# What this process has itself seen synced; a bound on memory, an hour has one folder.
_durable: deque[str] = deque(maxlen=8)


def _make_durable_folder(folder: str) -> None:
    """Make a folder that is still there after a power cut: each name is synced in its parent.

    That it exists is not enough: another process may have made it and not synced it yet.
    """
    if folder in _durable and os.path.isdir(folder):  # noqa: PTH112 - see _path_of
        return
    path = Path(folder)
    if path != Path(settings.UPLOAD_DIR):
        _make_durable_folder(str(path.parent))
    path.mkdir(parents=True, exist_ok=True)
    _sync(path.parent)
    _durable.append(folder)


def _write(descriptor: int, data: bytes) -> None:
    """Write, and start the bytes on their way to disk."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    if hasattr(os, "posix_fadvise"):
        # The kernel chooses the place on disk now and not at the sync, so that one commit of the
        # file system's journal holds all of an event's files (counted on ext4: 1 instead of 2).
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _path_of(name: str) -> str:
    # Paths are plain strings here: pathlib's joins were 7 % of an event's time in the profile.
    return f"{settings.UPLOAD_DIR}/{name}"


def _folder_of(name: str) -> str:
    return _path_of(name).rpartition("/")[0]


class DiskStore(PictureStore):
    """Below UPLOAD_DIR, a folder an hour."""

    def put(self, files: Mapping[str, bytes]) -> None:
        """Bring all files to disk: written, synced, then their names by a sync of the folder.

        They have their names from the start, for nobody knows these before the row is committed; a
        rename would be one more commit of the file system's journal. What a crash leaves half
        written goes with the sweep, like any file without a row.
        """
        try:
            self._put(files)
        except OSError as error:
            self.delete(files)
            if error.errno in NO_SPACE:
                raise DiskFull from error
            # Rights, descriptors, a disk that broke: the operator must hear of it.
            logger.exception("a picture could not be written")
            raise Unavailable from error

    def _put(self, files: Mapping[str, bytes]) -> None:
        folders = {_folder_of(name) for name in files}
        for folder in folders:
            _make_durable_folder(folder)
        descriptors: list[int] = []
        try:
            for name, data in files.items():
                descriptors.append(os.open(_path_of(name), NEW_FILE, 0o640))
                _write(descriptors[-1], data)
            for descriptor in descriptors:
                os.fsync(descriptor)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        for folder in folders:
            _sync(folder)

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
        try:
            entries = list(os.scandir(self._folder(hour)))
        except FileNotFoundError:
            return []
        for entry in entries:
            # An ingest may take its file back between the listing and the look.
            with suppress(FileNotFoundError):
                state = entry.stat()
                stored_at = datetime.fromtimestamp(state.st_mtime, UTC)
                files.append(StoredFile(f"{prefix}/{entry.name}", stored_at, state.st_size))
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
