"""Where pictures are kept: on a disk, or in an S3-compatible object storage."""

from __future__ import annotations

from django.conf import settings

from events.pictures.stores.base import PictureStore, StoredFile
from events.pictures.stores.disk import DiskStore
from events.pictures.stores.s3 import S3Store

__all__ = ["PictureStore", "StoredFile", "picture_store"]

_disk = DiskStore()
_s3 = S3Store()


def picture_store() -> PictureStore:
    """Return the store that the settings choose."""
    return _s3 if settings.S3_BUCKET else _disk
