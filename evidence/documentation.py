"""What the API documentation says of evidence."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from anpr_project.lib.filters import ID_SCHEMA
from events.documentation import FILTERS, SIMILAR
from evidence.package import MOST_EVENTS

_events = {"type": "array", "items": ID_SCHEMA, "maxItems": MOST_EVENTS}
EVIDENCE: dict[str, Any] = {
    "operation_id": "evidence_package",
    "tags": ["evidence"],
    "parameters": [
        OpenApiParameter(
            "event",
            _events,
            OpenApiParameter.QUERY,
            description="Id of an event. May be given several times.",
            examples=[OpenApiExample("One event", value=[4711])],
        ),
        *FILTERS,
        SIMILAR,
    ],
    "responses": {
        (200, "application/zip"): OpenApiResponse(OpenApiTypes.BINARY, "The package."),
    },
}
_text = {"type": "string"}
KEYS: dict[str, Any] = {
    "operation_id": "evidence_keys",
    "tags": ["evidence"],
    "responses": {
        200: OpenApiResponse(
            {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["key_id", "algorithm", "public_key", "created_at", "retired_at"],
                    "properties": {
                        "key_id": _text,
                        "algorithm": _text,
                        "public_key": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                        "created_at": _text | {"format": "date-time"},
                        "retired_at": _text | {"format": "date-time", "nullable": True},
                    },
                },
            },
            "Public keys",
            examples=[
                OpenApiExample(
                    "One key",
                    value=[
                        {
                            "key_id": "21fe31dfa154a261",
                            "algorithm": "Ed25519",
                            "public_key": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                            "created_at": "2026-11-25T08:00:00+00:00",
                            "retired_at": None,
                        }
                    ],
                    response_only=True,
                )
            ],
        )
    },
}
