"""Pictures in an S3-compatible object storage, shared by any number of API processes.

An object is whole or absent: a PUT that was answered is durable by the storage's own promise.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.core.files.storage import storages

from anpr_project.lib.errors import Unavailable
from events.pictures.stores.base import PictureStore, StoredFile, hour_prefix, parse_hour

logger = logging.getLogger(__name__)

# Of settings.STORAGES.
ALIAS = "pictures"
# What one DeleteObjects request takes.
MAX_DELETED = 1000
P = ParamSpec("P")
R = TypeVar("R")


def _answered(call: Callable[P, R]) -> Callable[P, R]:
    """Turn what the storage's client raises into Unavailable."""

    @wraps(call)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        # Here, not above: 31 MB of botocore are loaded by installations that use it only.
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return call(*args, **kwargs)
        except (BotoCoreError, ClientError) as error:
            logger.exception("the object storage failed")
            raise Unavailable from error

    return wrapped


class S3Store(PictureStore):
    """In S3_BUCKET."""

    @property
    def _storage(self) -> Any:
        return storages[ALIAS]

    @property
    def _bucket(self) -> str:
        name: str = self._storage.bucket_name
        return name

    @property
    def _client(self) -> Any:
        """The client below django-storages: unlike its resources, threads may share it."""
        return self._storage.bucket.meta.client

    @_answered
    def put(self, files: Mapping[str, bytes]) -> None:
        for name, data in files.items():
            self._client.put_object(Bucket=self._bucket, Key=name, Body=data)

    @_answered
    def get(self, name: str) -> bytes:
        client = self._client
        try:
            data: bytes = client.get_object(Bucket=self._bucket, Key=name)["Body"].read()
        except client.exceptions.NoSuchKey as error:
            raise FileNotFoundError(name) from error
        return data

    @_answered
    def delete(self, names: Iterable[str]) -> None:
        keys = [{"Key": name} for name in names]
        for start in range(0, len(keys), MAX_DELETED):
            part = {"Objects": keys[start : start + MAX_DELETED], "Quiet": True}
            self._client.delete_objects(Bucket=self._bucket, Delete=part)

    def hours(self) -> Iterator[datetime]:
        prefixes = [""]
        for _level in range(4):
            prefixes = [below for prefix in prefixes for below in self._below(prefix)]
        for prefix in sorted(prefixes):
            hour = parse_hour(prefix)
            if hour is not None:
                yield hour

    @_answered
    def _below(self, prefix: str) -> list[str]:
        """Return the prefixes one level below, by delimiter: objects are not listed."""
        pages = self._pages(Prefix=prefix, Delimiter="/")
        return [found["Prefix"] for page in pages for found in page.get("CommonPrefixes", ())]

    @_answered
    def files_of(self, hour: datetime) -> list[StoredFile]:
        return [
            StoredFile(found["Key"], found["LastModified"], found["Size"])
            for page in self._pages(Prefix=f"{hour_prefix(hour)}/")
            for found in page.get("Contents", ())
        ]

    def _pages(self, **options: str) -> Iterable[dict[str, Any]]:
        pages: Iterable[dict[str, Any]] = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, **options
        )
        return pages

    def drop_if_empty(self, hour: datetime) -> None:
        """Nothing to do: an object storage has no folders."""

    def free_bytes(self) -> int | None:
        return None

    @_answered
    def check(self) -> None:
        self._client.head_bucket(Bucket=self._bucket)
