"""What a place for pictures must be able to do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class StoredFile:
    name: str
    stored_at: datetime
    size: int


def hour_prefix(moment: datetime) -> str:
    """Return the part of a name that says in which hour the picture was received."""
    return f"{moment:%Y/%m/%d/%H}"


def parse_hour(prefix: str) -> datetime | None:
    try:
        return datetime.strptime(prefix.strip("/"), "%Y/%m/%d/%H").replace(tzinfo=UTC)
    except ValueError:
        return None


class PictureStore(ABC):
    """Files by name (`YYYY/MM/DD/HH/…`), written once and never changed."""

    @abstractmethod
    def put(self, files: Mapping[str, bytes]) -> None:
        """Keep all files of one event, so that they survive whatever comes next.

        Raises DiskFull or Unavailable; then none of them is there, or the sweep finds it.
        """

    @abstractmethod
    def get(self, name: str) -> bytes:
        """Return the bytes; FileNotFoundError if there is no such file, Unavailable if out of reach."""

    @abstractmethod
    def delete(self, names: Iterable[str]) -> None:
        """Delete files; those that are not there are passed over."""

    @abstractmethod
    def hours(self) -> Iterator[datetime]:
        """Yield the hours that have files, oldest first."""

    @abstractmethod
    def files_of(self, hour: datetime) -> list[StoredFile]:
        """Return the files of one hour, none when nothing is known of it."""

    @abstractmethod
    def drop_if_empty(self, hour: datetime) -> None:
        """Forget an hour without files, where that leaves anything behind."""

    @abstractmethod
    def free_bytes(self) -> int | None:
        """Return the room that is left; None where the store has no limit of its own."""

    @abstractmethod
    def check(self) -> None:
        """Raise if nothing can be stored now; writes nothing that stays."""
