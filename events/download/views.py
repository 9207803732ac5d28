"""The result of a search as a file, streamed: its size is bounded by nothing, its memory by a page."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Any

import msgspec
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from anpr_project.lib.errors import FieldError
from audit.models import Action
from events import documentation
from events.browse import EventReader
from events.download.formats import NAMES, FileFormat, file_format
from events.filters import one_value, parse_filter, parse_truth
from events.models import PlateEvent
from events.representation import EventView, represent
from events.search.keyset import Cursor, PageRequest
from events.search.similar import Match, look_alikes

logger = logging.getLogger(__name__)
PARAMETERS = frozenset({"format", "bom"})
PAGE = 500
BUSY_S = 15
# A reader that is slow keeps a thread of a WSGI server, which others need; an ASGI server waits
# without one.
_wsgi_places = threading.BoundedSemaphore(max(1, settings.API_THREADS // 4))
_asgi_places = threading.BoundedSemaphore(8)


class Place:
    """One of the downloads that a process has under way; given back when closed or forgotten."""

    def __init__(self, places: threading.BoundedSemaphore) -> None:
        if not places.acquire(blocking=False):
            raise exceptions.Throttled(BUSY_S, "Other downloads are under way.")
        # An ASGI request that is cancelled closes nothing: then the garbage collector gives it back.
        self.close = weakref.finalize(self, places.release)

    @classmethod
    def free(cls, request: Request) -> tuple[Place, type[SyncDownload] | type[AsyncDownload]]:
        """Return a place on the kind of server that this is, and what sends from it."""
        if isinstance(request._request, ASGIRequest):
            return cls(_asgi_places), AsyncDownload
        return cls(_wsgi_places), SyncDownload


class Download:
    """Pieces of the file; the next page is read when it is asked for."""

    def __init__(self, place: Place, pieces: Iterator[bytes]) -> None:
        self.place, self.pieces = place, pieces

    def close(self) -> None:
        self.place.close()


class SyncDownload(Download):
    def __iter__(self) -> Iterator[bytes]:
        return self.pieces


class AsyncDownload(Download):
    """For an ASGI server, where Django would collect a synchronous one whole."""

    def __aiter__(self) -> AsyncDownload:
        return self

    async def __anext__(self) -> bytes:
        piece = await sync_to_async(self._next)()
        if piece is None:
            raise StopAsyncIteration
        return piece

    def _next(self) -> bytes | None:
        return next(self.pieces, None)


def _absolute(view: EventView, origin: str) -> EventView:
    """A file is read far from this server: the addresses in it are whole."""
    urls = {"frame_url": view.frame_url, "crop_url": view.crop_url}
    whole = {name: origin + url for name, url in urls.items() if url}
    return msgspec.structs.replace(view, **whole) if whole else view


def write(
    events: QuerySet[PlateEvent], matches: Mapping[str, Match], kind: FileFormat, origin: str
) -> Iterator[bytes]:
    """Yield the file page by page, newest first; each page is a query and a snapshot of its own.

    So nothing is held while a slow reader takes what it has got: no transaction, no connection.
    """
    cursor: Cursor | None = None
    is_first = True
    while is_first or cursor:
        try:
            page = PageRequest(PAGE, cursor).read(events)
        except (DatabaseError, InterfaceError):
            if is_first:
                raise
            logger.exception("download broken off")
            yield kind.broken_off()
            return
        found = [
            (_absolute(represent(event), origin), matches.get(event.plate_normalized))
            for event in page.events
        ]
        yield (kind.head() if is_first else b"") + kind.page(found, is_first=is_first)
        cursor, is_first = page.next, False
        if not connection.in_atomic_block:
            connection.close()
    yield kind.end()


def download_headers(name: str, kind: str, extension: str, now: datetime) -> dict[str, str]:
    """Return the headers of a file that is made at this moment, and that nobody may keep."""
    return {
        "Content-Type": kind,
        "Content-Disposition": f'attachment; filename="{name}-{now:%Y%m%dT%H%M%SZ}.{extension}"',
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }


class AnyAccepted(BaseContentNegotiation):
    """The parameter `format` says what is wanted, whatever the program says that it accepts."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class EventDownloadView(EventReader):
    content_negotiation_class = AnyAccepted

    @extend_schema(**documentation.EVENT_DOWNLOAD)
    def get(self, request: Request) -> HttpResponseBase:
        """Every event that matches, newest first, as one file, without pictures but their addresses.

        What arrives meanwhile may be in it or not.
        """
        query = self.query
        wanted = parse_filter(query, ignore=PARAMETERS, similar_allowed=True)
        kind = _asked_format(query, matched=bool(wanted.similar))
        headers = download_headers("reads", kind.content_type, kind.extension, timezone.now())
        if request.method == "HEAD":
            return HttpResponse(headers=headers)
        place, download = Place.free(request)
        events = wanted.apply(self.get_queryset())
        matches = look_alikes(wanted.similar) if wanted.similar else {}
        if wanted.similar:
            events = events.filter(plate_normalized__in=matches)
        # How many there are is not known before the end, and the record comes first.
        self.record(Action.DOWNLOAD)
        pieces = write(events, matches, kind, request.build_absolute_uri("/")[:-1])
        # The first page now: what fails can still be answered as an error.
        pieces = chain([next(pieces)], pieces)
        return StreamingHttpResponse(download(place, pieces), headers=headers)


def _asked_format(query: Mapping[str, list[str]], *, matched: bool) -> FileFormat:
    name = one_value("format", query.get("format") or ["csv"])
    if name not in NAMES:
        raise FieldError("format", "invalid", f"Expected one of {', '.join(NAMES)}.")
    marked = "bom" in query and parse_truth("bom", query["bom"])
    return file_format(name, marked=marked, matched=matched)
