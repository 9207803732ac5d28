"""What one ingest request carries, taken from a multipart or JSON body in one pass.

Django's own multipart parser costs several milliseconds for a body of 130 kB; the push parser of the
`multipart` package a tenth of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

import msgspec
from multipart import MultipartError, PushMultipartParser, parse_options_header
from rest_framework.parsers import BaseParser

from anpr_project.lib.errors import FieldError, TooLarge
from events.readings import PlateReading, decode_reading

MAX_BYTES = {"event": 64 * 1024, "frame": 8 * 1024 * 1024, "crop": 1024 * 1024}
# The parts together, with room for their headers.
MAX_BODY_BYTES = sum(MAX_BYTES.values()) + 64 * 1024
MAX_BATCH_BYTES = 16 * 1024 * 1024
# A body over the limit is read on up to here: a client that is still sending would otherwise see
# a broken connection instead of the 413.
MAX_DRAINED_BYTES = 64 * 1024 * 1024
MAX_PARTS = 8


class Submission(msgspec.Struct, frozen=True):
    reading: PlateReading
    frame: bytes | None
    crop: bytes | None
    received_bytes: int


def read_body(stream: IO[bytes], limit: int, field: str) -> bytes:
    """Return the whole body; TooLarge when it has more than `limit` bytes."""
    chunks, size = [], 0
    while size <= limit and (chunk := stream.read(limit + 1 - size)):
        chunks.append(chunk)
        size += len(chunk)
    if size <= limit:
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)
    while size < MAX_DRAINED_BYTES and (chunk := stream.read(1024 * 1024)):
        size += len(chunk)
    raise TooLarge(field, "too_large", f"Larger than {limit} bytes.")


def _check_size(name: str, data: bytes) -> None:
    if len(data) > MAX_BYTES[name]:
        raise TooLarge(name, "too_large", f"Larger than {MAX_BYTES[name]} bytes.")


def split_parts(body: bytes, boundary: str) -> dict[str, bytes]:
    """Return the parts by name; each may come once, and only the known ones."""
    parts: dict[str, bytes] = {}
    name, chunks = "", list[bytes]()
    parser = PushMultipartParser(boundary, strict=True, max_segment_count=MAX_PARTS)
    with parser:
        for item in parser.parse(body):
            if item is None:
                parts[name] = chunks[0] if len(chunks) == 1 else b"".join(chunks)
            elif isinstance(item, (bytes, bytearray)):
                chunks.append(bytes(item))
            else:
                name, chunks = item.name, []
                if name not in MAX_BYTES:
                    raise FieldError("", "part", f"Expected the parts {', '.join(MAX_BYTES)} only.")
                if name in parts:
                    raise FieldError(name, "duplicate", "This part comes twice.")
    return parts


def _submission(parts: Mapping[str, bytes], received_bytes: int) -> Submission:
    if "event" not in parts:
        raise FieldError("event", "required", "The part `event` is missing.")
    for name, data in parts.items():
        _check_size(name, data)
    return Submission(
        reading=decode_reading(parts["event"]),
        # An empty file field is what a form sends for "no picture".
        frame=parts.get("frame") or None,
        crop=parts.get("crop") or None,
        received_bytes=received_bytes,
    )


class MultipartEventParser(BaseParser):
    media_type = "multipart/form-data"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = read_body(stream, MAX_BODY_BYTES, "")
        boundary = parse_options_header(media_type or "")[1].get("boundary", "")
        try:
            parts = split_parts(body, boundary)
        except (MultipartError, UnicodeError) as error:
            raise FieldError("", "multipart", f"Not a valid multipart body: {error}") from None
        return _submission(parts, len(body))


class JSONEventParser(BaseParser):
    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = read_body(stream, MAX_BYTES["event"], "event")
        return _submission({"event": body}, len(body))


def _as_lines(body: bytes) -> list[bytes]:
    return [line for line in body.split(b"\n") if line.strip()]


def split_batch(body: bytes) -> list[bytes]:
    """Return the undecoded events of a JSON array or of NDJSON; a bad one is found later, alone."""
    if not body.lstrip().startswith(b"["):
        return _as_lines(body)
    try:
        return [bytes(raw) for raw in msgspec.json.decode(body, type=list[msgspec.Raw])]
    except RecursionError:
        raise FieldError("", "depth", "JSON nested too deep.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FieldError("", "json", f"Not a valid JSON array: {error}") from None


class BatchParser(BaseParser):
    """Takes a JSON array; the NDJSON subclass only differs in name, the body tells them apart."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return split_batch(read_body(stream, MAX_BATCH_BYTES, ""))


class NDJSONBatchParser(BatchParser):
    media_type = "application/x-ndjson"
