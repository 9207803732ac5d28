"""What the API documentation says of copies and erasures."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from events.documentation import TEXT, response_schema
from privacy.erasure import Report
from privacy.kept import Kept
from privacy.request import Body

COPY: dict[str, Any] = {
    "operation_id": "plate_copy",
    "parameters": [
        OpenApiParameter(
            "plate",
            TEXT,
            OpenApiParameter.QUERY,
            required=True,
            description="The plate, however it is written; exactly this one.",
        )
    ],
    "responses": {(200, "application/zip"): OpenApiResponse(OpenApiTypes.BINARY, "The copy.")},
}
_recipient = {"exporter": 1, "name": "Control room", "delivered": 12, "pending": 0, "dead": 0}
_report = {"complete": True, "events": 12, "pictures": 24, "recipients": [_recipient]}
ERASE: dict[str, Any] = {
    "operation_id": "plate_erase",
    "summary": "Erase everything about a plate",
    "request": {"application/json": response_schema(Body)},
    "responses": {
        200: OpenApiResponse(
            {"anyOf": [response_schema(Report), response_schema(Kept)]},
            "What was erased; with `dry_run`, what is kept.",
            examples=[OpenApiExample("Erased", value=_report, response_only=True)],
        )
    },
    "examples": [
        OpenApiExample(
            "On request of the holder",
            value={"plate": "AB12 CDE", "reason": "Request of 3 November", "dry_run": True},
            request_only=True,
        )
    ],
}
