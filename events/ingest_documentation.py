"""What the API documentation says of sending events and of their pictures."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from events.documentation import EVENT, response_schema
from events.pictures.images import CONTENT_TYPES
from events.readings import PlateReading
from events.representation import EventView

EXAMPLE = {
    "event_id": "0d3c8a52-6b0e-4c86-9b3b-0f3f1a1f7a11",
    "plate": "AB12 CDE",
    "confidence": 0.93,
    "captured_at": "2026-11-22T08:00:00.120+01:00",
    "region": "gb",
    "bbox": [691, 397, 59, 34],
}


def _with_nulls(schema: Any) -> Any:
    """Say that null may be sent for whatever may be left out."""
    if isinstance(schema, list):
        return [_with_nulls(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _with_nulls(one) for name, one in schema.items()}
    return made | {"nullable": True} if "default" in made else made


_event = response_schema(EventView)
_reading = _with_nulls(response_schema(PlateReading))
_picture = {"type": "string", "format": "binary"}
_form = {
    "type": "object",
    "required": ["event"],
    "properties": {"event": _reading, "frame": _picture, "crop": _picture},
    "additionalProperties": False,
}
_result = {
    "type": "object",
    "required": ["status"],
    "properties": {
        "status": {"type": "integer", "description": "as the answer to this event alone would be"},
        "id": {"type": "integer"},
        "event_id": {"type": "string", "format": "uuid"},
        "error": {"$ref": "#/components/schemas/Error"},
    },
}


def _request(text: str, value: Any) -> OpenApiExample:
    return OpenApiExample(text, value=value, request_only=True, media_type="application/json")


INGEST: dict[str, Any] = {
    "operation_id": "ingest",
    "summary": "Send an event",
    "request": {"multipart/form-data": _form, "application/json": _reading},
    "responses": {
        201: OpenApiResponse(
            _event,
            "Stored: the files are synced and the row is committed.",
            examples=[OpenApiExample("The event", value=EVENT)],
        ),
        200: OpenApiResponse(
            _event, "Stored before, with the same content (`Idempotent-Replayed: true`)."
        ),
        202: OpenApiResponse(
            {
                "type": "object",
                "required": ["status", "zone"],
                "properties": {
                    "status": {"type": "string", "enum": ["excluded", "erased"]},
                    "zone": {"type": "integer", "nullable": True},
                },
            },
            "In an exclusion zone, or erased on request since it was first sent: not kept.",
        ),
    },
    "examples": [_request("An event without pictures", EXAMPLE)],
}
BATCH: dict[str, Any] = {
    "operation_id": "ingest_batch",
    "summary": "Send up to 1,000 events without pictures",
    "request": {
        "application/json": {
            "anyOf": [
                {
                    "type": "array",
                    "items": {"anyOf": [_reading, {"description": "is answered 400 in its place"}]},
                    "minItems": 1,
                    "maxItems": 1000,
                },
                {"type": "object", "description": "one event, a batch of one: NDJSON of one line"},
            ]
        },
        "application/x-ndjson": {"type": "string", "description": "one event a line"},
    },
    "responses": {
        200: OpenApiResponse(
            {"type": "array", "items": _result}, "One result an event, in the order sent."
        )
    },
    "examples": [_request("Two events", [EXAMPLE, {**EXAMPLE, "plate": ""}])],
}
PICTURE: dict[str, Any] = {
    "parameters": [
        OpenApiParameter(
            "original",
            OpenApiTypes.STR,
            OpenApiParameter.QUERY,
            enum=["0", "1"],
            description="The bytes as they were sent, with their metadata (Administrators).",
        )
    ],
    "responses": {
        (200, media_type): OpenApiResponse(OpenApiTypes.BINARY, "The picture.")
        for media_type in sorted(set(CONTENT_TYPES.values()))
    },
}
