"""JSON in and out for DRF by msgspec: strict, fast, and it refuses what PostgreSQL cannot store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from django.http import HttpResponse
from rest_framework.exceptions import ParseError
from rest_framework.renderers import JSONRenderer as DRFJSONRenderer

from anpr_project.lib.body import BodyParser

MAX_BODY_BYTES = 1024 * 1024
# Far above any body's need, far below where the interpreter's stack ends in code behind us.
MAX_DEPTH = 100


def _inside(container: dict[str, Any] | list[Any]) -> list[dict[str, Any] | list[Any]]:
    items = container.values() if isinstance(container, dict) else container
    return [item for item in items if isinstance(item, (dict, list))]


def _refuse_depth(value: Any) -> None:
    level = _inside([value])
    for _ in range(MAX_DEPTH + 1):
        if not level:
            return
        level = [inner for container in level for inner in _inside(container)]
    raise ParseError("JSON nested too deep.", "depth")


def decode(raw: bytes) -> Any:
    """Return the JSON value of `raw`; NaN, lone surrogates and bottomless nesting are refused."""
    try:
        value = msgspec.json.decode(raw)
    except RecursionError:
        raise ParseError("JSON nested too deep.", "depth") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ParseError(f"Not valid JSON: {error}", "json") from None
    _refuse_depth(value)
    return value


def encode(data: Any) -> bytes:
    # str() serves lazy translations, DRF's ErrorDetail and paths.
    return msgspec.json.encode(data, enc_hook=str)


def json_response(data: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(encode(data), content_type="application/json", status=status)


class JSONParser(BodyParser):
    media_type = "application/json"
    max_bytes = MAX_BODY_BYTES

    def parse_body(self, body: bytes, media_type: str) -> Any:
        return decode(body)


class JSONRenderer(DRFJSONRenderer):
    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else encode(data)
