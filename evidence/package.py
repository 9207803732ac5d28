"""The package itself: pictures, records and who looked, signed, piece by piece as it is read."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from rest_framework.exceptions import APIException

from anpr_project import __version__
from audit.chain import Head
from events.models import EventReceipt, PlateEvent
from events.pictures import images
from events.pictures.stores import picture_store
from evidence.archive import Archive
from evidence.looks import looks_at, packages_of
from evidence.models import SigningKey
from evidence.record import record_of, with_everything
from evidence.verify_evidence import MANIFEST, SIGNATURE, SIGNED_AS

logger = logging.getLogger(__name__)
# Pictures of at most 9 MB each: below the 4 GB at which a ZIP takes another form.
MOST_EVENTS = 400
PAGE = 50
VERIFIER = Path(__file__).with_name("verify_evidence.py")
README = """\
Evidence package of ANPR Cloud

events/ID/record.json   the read as it is stored, and what it refers to
events/ID/frame, crop   the pictures, byte for byte as the sensor sent them
events/ID/audit.json    who looked at it, when and why, by the audit log
manifest.json           who made this package, when and why; SHA-256 of every file
manifest.sig            Ed25519 signature of the manifest (64 bytes)
verify_evidence.py      compares all that; needs Python 3.8 or newer and nothing else

    python3 verify_evidence.py PACKAGE.zip --key KEY

Take KEY, the public key of the installation, from its operator and not from this package; whoever
wants to be sure takes the program from another place too.
"""


@dataclass(frozen=True)
class Order:
    """What is wanted, by whom and why: the manifest says so."""

    events: Sequence[tuple[int, datetime]]
    made_at: datetime
    made_by: str
    reason: str
    query: dict[str, list[str]]


def _json(content: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n"


class Package:
    """One archive in the making; holds one event's files at a time."""

    def __init__(self, order: Order, key: SigningKey) -> None:
        self._order, self._key, self._archive = order, key, Archive()
        self.is_whole = False

    def pieces(self) -> Iterator[bytes]:
        """Yield the archive. A failure in the middle leaves it without its end: no ZIP, no evidence."""
        add = self._archive.add
        yield add("README.txt", README.encode()) + add(VERIFIER.name, VERIFIER.read_bytes())
        try:
            for first in range(0, len(self._order.events), PAGE):
                yield from self._page(self._order.events[first : first + PAGE])
                if not connection.in_atomic_block:
                    connection.close()
            yield self._end()
            self.is_whole = True
        except (DatabaseError, InterfaceError, OSError, APIException):
            logger.exception("evidence package broken off")

    def _page(self, chosen: Sequence[tuple[int, datetime]]) -> Iterator[bytes]:
        ids, times = [pk for pk, _ in chosen], [at for _, at in chosen]
        events = with_everything(PlateEvent.objects.all()).filter(
            pk__in=ids, captured_at__range=(min(times), max(times))
        )
        receipts = EventReceipt.objects.in_bulk(ids)
        looks, packages = looks_at(ids), packages_of(ids)
        for event in events:
            pictures: dict[str, str | None] = {}
            for kind in ("frame", "crop"):
                data = _original(getattr(event, kind))
                pictures[kind] = None
                if data is not None:
                    if not self._archive.has_room_for(len(data)):
                        raise OSError("the pictures are too large for one package")
                    extension = images.extension(getattr(event, kind))
                    pictures[kind] = f"events/{event.pk}/{kind}.{extension}"
                    yield self._archive.add(f"events/{event.pk}/{kind}.{extension}", data)
            record = record_of(event, receipts.get(event.pk), pictures)
            entries = sorted(looks[event.pk] + packages[event.pk], key=lambda entry: entry["id"])
            yield self._archive.add(f"events/{event.pk}/record.json", _json(record))
            yield self._archive.add(f"events/{event.pk}/audit.json", _json(entries))

    def _end(self) -> bytes:
        order = self._order
        manifest = _json(
            {
                "format": "anpr-evidence/1",
                "product": f"ANPR Cloud {__version__}",
                "installation": settings.PUBLIC_URL,
                "made_at": order.made_at,
                "made_by": order.made_by,
                "reason": order.reason,
                "query": order.query,
                "events": [pk for pk, _ in order.events],
                "audit_head": str(Head.current()),
                "algorithm": self._key.algorithm,
                "key_id": self._key.key_id,
                "public_key": self._key.public_key,
                "files": [file._asdict() for file in self._archive.files],
            }
        )
        signature = self._key.sign(SIGNED_AS, manifest)
        return (
            self._archive.add(MANIFEST, manifest)
            + self._archive.add(SIGNATURE, signature)
            + self._archive.end()
        )


def _original(name: str) -> bytes | None:
    """Return the bytes as the sensor sent them; None where there are none (any more)."""
    if not name:
        return None
    try:
        return picture_store().get(name)
    except FileNotFoundError:
        return None
