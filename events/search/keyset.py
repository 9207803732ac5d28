"""Pages by key, newest first: the thousandth page costs what the first one does."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from django.db.models import Q, QuerySet
from rest_framework.utils.urls import replace_query_param

from anpr_project.lib.errors import FieldError
from events.filters import MAX_ID, one_value, parse_whole
from events.models import PlateEvent
from events.readings import EARLIEST, LATEST

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
BESIDE = ("newer_than", "older_than")
PARAMETERS = frozenset({"limit", "cursor", *BESIDE})
_MICROSECOND = timedelta(microseconds=1)
_LAST_MOMENT = (LATEST - EARLIEST) // _MICROSECOND


@dataclass(frozen=True)
class Cursor:
    """The place before (`newer`) or after which a page lies."""

    newer: bool
    captured_at: datetime
    event: int

    @classmethod
    def at(cls, event: PlateEvent, *, newer: bool) -> Self:
        return cls(newer, event.captured_at.astimezone(UTC), event.pk)

    @classmethod
    def parse(cls, text: str) -> Self:
        try:
            plain = base64.b64decode(text.encode(), altchars=b"-_", validate=True).decode("ascii")
            direction, moment, event = plain.split(".")
            since = parse_whole("cursor", moment, 0, _LAST_MOMENT)
            if direction not in ("newer", "older"):
                raise ValueError(direction)
            newer, pk = direction == "newer", parse_whole("cursor", event, 1, MAX_ID)
        except (ValueError, binascii.Error, FieldError):
            raise FieldError(
                "cursor", "invalid", "Expected the cursor of a `next` or `previous` link."
            ) from None
        return cls(newer, EARLIEST + since * _MICROSECOND, pk)

    def __str__(self) -> str:
        since = (self.captured_at - EARLIEST) // _MICROSECOND
        direction = "newer" if self.newer else "older"
        return base64.urlsafe_b64encode(f"{direction}.{since}.{self.event}".encode()).decode()

    def apply(self, queryset: QuerySet[PlateEvent]) -> QuerySet[PlateEvent]:
        """Return what lies on the cursor's side."""
        # The first condition alone is the range in the index; a plain OR would not be one.
        if self.newer:
            beyond = Q(captured_at__gt=self.captured_at) | Q(id__gt=self.event)
            return queryset.filter(beyond, captured_at__gte=self.captured_at)
        beyond = Q(captured_at__lt=self.captured_at) | Q(id__lt=self.event)
        return queryset.filter(beyond, captured_at__lte=self.captured_at)


@dataclass(frozen=True)
class Page:
    events: Sequence[PlateEvent]
    next: Cursor | None
    previous: Cursor | None


@dataclass(frozen=True)
class PageRequest:
    limit: int = DEFAULT_LIMIT
    cursor: Cursor | None = None

    @classmethod
    def parse(cls, query: Mapping[str, Sequence[str]]) -> Self:
        limit = query.get("limit")
        return cls(
            parse_whole("limit", one_value("limit", limit), 1, MAX_LIMIT)
            if limit
            else DEFAULT_LIMIT,
            _starting_place(query),
        )

    @property
    def is_backwards(self) -> bool:
        """Whether the page's events are the oldest of those that may be on it."""
        return self.cursor is not None and self.cursor.newer

    def beyond_cursor(self, queryset: QuerySet[PlateEvent]) -> QuerySet[PlateEvent]:
        """Return what may be on the page."""
        return self.cursor.apply(queryset) if self.cursor else queryset

    def ordered(self, queryset: QuerySet[PlateEvent]) -> QuerySet[PlateEvent]:
        """Return what may be on the page, the nearest first."""
        way = "" if self.is_backwards else "-"
        return self.beyond_cursor(queryset).order_by(f"{way}captured_at", f"{way}id")

    def read(self, queryset: QuerySet[PlateEvent]) -> Page:
        # One more than asked for tells whether there is another page; nothing is counted.
        return self.of(list(self.ordered(queryset)[: self.limit + 1]))

    def of(self, rows: list[PlateEvent]) -> Page:
        """Return the page of the nearest rows, one more than it holds."""
        cursor = self.cursor
        more, rows = len(rows) > self.limit, rows[: self.limit]
        if not rows:
            return Page([], None, None)
        has_next, has_previous = more, cursor is not None
        if self.is_backwards:
            rows.reverse()
            has_next, has_previous = True, more
        return Page(
            rows,
            next=Cursor.at(rows[-1], newer=False) if has_next else None,
            previous=Cursor.at(rows[0], newer=True) if has_previous else None,
        )


def _starting_place(query: Mapping[str, Sequence[str]]) -> Cursor | None:
    """Return where the page begins: at a cursor, else beside an event that is named."""
    if cursor := query.get("cursor"):
        return Cursor.parse(one_value("cursor", cursor))
    for name in BESIDE:
        if named := query.get(name):
            pk = parse_whole(name, one_value(name, named), 1, MAX_ID)
            event = PlateEvent.objects.only("captured_at").filter(pk=pk).first()
            if event is None:
                raise FieldError(name, "unknown", "There is no such event.")
            return Cursor.at(event, newer=name == "newer_than")
    return None


def link(url: str, cursor: Cursor | None) -> str | None:
    """Return the address of that page: the same filters, another cursor."""
    return replace_query_param(url, "cursor", str(cursor)) if cursor else None
