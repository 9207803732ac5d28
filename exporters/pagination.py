"""Pages of deliveries by key: never an OFFSET over millions, never a COUNT."""

from __future__ import annotations

from typing import Any

from rest_framework import pagination
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from anpr_project.lib.viewsets import asked_number

MAX_ID_DIGITS = 19


class DeliveryPagination(pagination.CursorPagination):
    ordering = "-id"
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 500

    def get_page_size(self, request: Request) -> int:
        return asked_number(request, "limit", self.page_size, self.max_page_size)

    def decode_cursor(self, request: Request) -> Any:
        """Refuse a cursor whose place is no id, which the database would choke on."""
        cursor: Any = super().decode_cursor(request)
        place = "" if cursor is None else cursor.position or ""
        if place and not (place.isascii() and place.isdigit() and len(place) < MAX_ID_DIGITS):
            raise NotFound(self.invalid_cursor_message)
        return cursor
