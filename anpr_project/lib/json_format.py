"""JSON in and out by msgspec: strict, fast, and it refuses what PostgreSQL cannot store."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import HttpResponse
from rest_framework.exceptions import ParseError

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
