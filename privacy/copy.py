"""A copy of everything that is kept about a plate: a ZIP, sent piece by piece as it is read.

Not an evidence package: that has one form only, which ends at 4 GB and 65,535 files.
"""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db import DatabaseError, InterfaceError, connection
from rest_framework.exceptions import APIException

from events.models import PlateEvent
from events.pictures import images
from events.pictures.stores import picture_store
from events.representation import EventView, represent
from events.search.keyset import Cursor, PageRequest
from exporters.models import Delivery
from privacy.kept import events_of, kept_about
from privacy.looks import looks_at_plate

logger = logging.getLogger(__name__)
PAGE = 200
README = """\
Everything that this installation keeps about one number plate.

summary.json    how many events, since when; who was given them; what keeps them
events.jsonl    one event a line, newest first: what was read, where and when, by which
                sensor; its pictures in this file; where it was delivered
pictures/       the pictures, as the cameras sent them. They may show other people too
looks.jsonl     who looked for the plate or at its events, without the names of staff
"""


@dataclass(frozen=True)
class Order:
    plate: str
    made_at: datetime


class _Pieces:
    """A file that cannot be read back: what was written to it is taken away piece by piece."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        taken, self._written = bytes(self._written), bytearray()
        return taken


def _line(content: Any) -> bytes:
    return msgspec.json.encode(content) + b"\n"


def _pages(plate: str) -> Iterator[Sequence[PlateEvent]]:
    """Yield the events newest first; each page is a query of its own, and nothing is held between."""
    events = events_of([plate]).with_parts()
    cursor: Cursor | None = None
    while True:
        page = PageRequest(PAGE, cursor).read(events)
        yield page.events
        cursor = page.next
        if not connection.in_atomic_block:
            connection.close()
        if cursor is None:
            return


def _picture_names(event: PlateEvent) -> dict[str, str | None]:
    """Return the name in the ZIP of each kind of picture."""
    return {
        kind: f"pictures/{event.pk}-{kind}.{images.extension(stored)}" if stored else None
        for kind, stored in (("frame", event.frame), ("crop", event.crop))
    }


def _told(events: Sequence[PlateEvent]) -> Iterator[bytes]:
    fields = ("event", "exporter__name", "state", "delivered_at")
    exports: dict[int, list[dict[str, Any]]] = {event.pk: [] for event in events}
    rows = Delivery.objects.filter(event__in=list(exports)).order_by("exporter")
    for event, name, state, delivered_at in rows.values_list(*fields):
        exports[event].append({"exporter": name, "status": state, "delivered_at": delivered_at})
    for event in events:
        view = represent(event)
        told = {name: getattr(view, name) for name in EventView.__struct_fields__}
        for kind, name in _picture_names(event).items():
            told[kind] = name
            del told[f"{kind}_url"]
        yield _line(told | {"exports": exports[event.pk]})


class Copy:
    """One ZIP in the making; holds one page of events or one picture at a time."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self.is_whole = False

    def pieces(self) -> Iterator[bytes]:
        """Yield the ZIP. A failure in the middle leaves it without its end: no program opens it."""
        file = _Pieces()
        archive = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)  # type: ignore[call-overload]  # it needs no more of a file
        try:
            archive.writestr("README.txt", README)
            archive.writestr("summary.json", self._summary())
            yield file.take()
            yield from self._stream(archive, file, "events.jsonl", self._events())
            yield from self._stream(archive, file, "looks.jsonl", self._looks())
            for name, data in self._pictures():
                archive.writestr(name, data)
                yield file.take()
            archive.close()
            yield file.take()
            self.is_whole = True
        except (DatabaseError, InterfaceError, OSError, APIException):
            logger.exception("copy of a plate broken off")

    def _stream(
        self, archive: zipfile.ZipFile, file: _Pieces, name: str, parts: Iterable[bytes]
    ) -> Iterator[bytes]:
        with archive.open(name, "w", force_zip64=True) as entry:
            for part in parts:
                entry.write(part)
                yield file.take()

    def _summary(self) -> bytes:
        kept = msgspec.to_builtins(kept_about([self._order.plate]))
        # Other vehicles are nobody's business here.
        kept.pop("near_misses")
        summary = {"plate": self._order.plate, "made_at": self._order.made_at} | kept
        return msgspec.json.format(msgspec.json.encode(summary), indent=1)

    def _events(self) -> Iterator[bytes]:
        for events in _pages(self._order.plate):
            yield b"".join(_told(events))

    def _looks(self) -> Iterator[bytes]:
        yield from map(_line, looks_at_plate(self._order.plate))

    def _pictures(self) -> Iterator[tuple[str, bytes]]:
        for events in _pages(self._order.plate):
            for event in events:
                for kind, name in _picture_names(event).items():
                    if name is not None:
                        try:
                            yield name, picture_store().get(getattr(event, kind))
                        except FileNotFoundError:
                            continue  # retention took it meanwhile
