"""JSON in and out for DRF by msgspec: strict, fast, and it refuses what PostgreSQL cannot store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

import msgspec
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer as DRFJSONRenderer

from anpr_project.lib.errors import TooLarge

MAX_BODY_BYTES = 1024 * 1024


def decode(raw: bytes) -> Any:
    """Return the JSON value of `raw`; NaN, lone surrogates and bottomless nesting are refused."""
    try:
        return msgspec.json.decode(raw)
    except RecursionError:
        raise ParseError("JSON nested too deep.", "depth") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ParseError(f"Not valid JSON: {error}", "json") from None


def encode(data: Any) -> bytes:
    # str() serves lazy translations, DRF's ErrorDetail and paths.
    return msgspec.json.encode(data, enc_hook=str)


class JSONParser(BaseParser):
    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        raw = stream.read(MAX_BODY_BYTES + 1)
        if len(raw) > MAX_BODY_BYTES:
            raise TooLarge("", "too_large", f"The body is larger than {MAX_BODY_BYTES} bytes.")
        return decode(raw)


class JSONRenderer(DRFJSONRenderer):
    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else encode(data)
