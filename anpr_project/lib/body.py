"""Request bodies: read whole up to a limit, the same way for every parser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any, ClassVar, Protocol

from django.http import UnreadablePostError
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from anpr_project.lib.errors import TooLarge

# A body over the limit is read on up to here: a client that is still sending would otherwise see
# a broken connection instead of the 413.
MAX_DRAINED_BYTES = 64 * 1024 * 1024


class Readable(Protocol):
    """A stream, or a request of Django."""

    def read(self, size: int, /) -> bytes: ...


def read_body(stream: Readable, limit: int, field: str, length: str = "") -> bytes:
    """Return the whole body; TooLarge, naming `field`, when it has more than `limit` bytes.

    Raises ParseError when the client went away before its end, which some servers tell by an error
    and some by less than the `length` that its header declared.
    """
    try:
        body = _read(stream, limit, field)
    except UnreadablePostError:
        body = None
    if body is None or (length.isdecimal() and len(body) < int(length)):
        raise ParseError("The body ended too early.", "incomplete")
    return body


def _read(stream: Readable, limit: int, field: str) -> bytes:
    chunks, size = [], 0
    while size <= limit and (chunk := stream.read(limit + 1 - size)):
        chunks.append(chunk)
        size += len(chunk)
    if size <= limit:
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)
    while size < MAX_DRAINED_BYTES and (chunk := stream.read(1024 * 1024)):
        size += len(chunk)
    raise TooLarge(field, "too_large", f"Larger than {limit} bytes.")


class BodyParser(BaseParser):
    """A DRF parser of the whole body; `field` is what an error names when it is too large."""

    max_bytes: ClassVar[int]
    field: ClassVar[str] = ""

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request = (parser_context or {}).get("request")
        length = request.META.get("CONTENT_LENGTH") or "" if request else ""
        body = read_body(stream, self.max_bytes, self.field, length)
        return self.parse_body(body, media_type or "")

    def parse_body(self, body: bytes, media_type: str) -> Any:
        raise NotImplementedError
