"""What the API documentation says of reading events."""

from __future__ import annotations

from typing import Any

import msgspec
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from anpr_project.lib.filters import ID_SCHEMA
from anpr_project.lib.text import PLAIN_PATTERN
from events.filters import MAX_TEXT, MAX_VALUES
from events.representation import EventView
from events.search.similar import Match
from events.statistics.confidence import Confidence
from events.statistics.summary import Statistics

# What OpenAPI 3.0 does not know, and a mapping of names to what is put in place.
NOT_OPENAPI = frozenset({"prefixItems", "propertyNames", "discriminator"})


def _for_openapi(schema: Any, definitions: dict[str, Any]) -> Any:
    """Put references in place, and say in OpenAPI 3.0 what JSON Schema says otherwise."""
    if isinstance(schema, list):
        return [_for_openapi(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _for_openapi(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    made = {
        key: _for_openapi(value, definitions)
        for key, value in schema.items()
        if key not in NOT_OPENAPI
    }
    if "prefixItems" in schema:
        made["items"] = _for_openapi(schema["prefixItems"][0], definitions)
    choices = [choice for choice in made.get("anyOf", ()) if choice != {"type": "null"}]
    if "anyOf" in made and len(choices) < len(made["anyOf"]):
        del made["anyOf"]
        made |= {"nullable": True} | (choices[0] if len(choices) == 1 else {"anyOf": choices})
    return made


def response_schema(view: type) -> dict[str, Any]:
    """Return the OpenAPI schema of a msgspec type, without references to anything outside it."""
    schema = msgspec.json.schema(view)
    definitions = schema.pop("$defs", {})
    made: dict[str, Any] = _for_openapi(schema, definitions)
    return made


TYRE = {"type": "string", "pattern": "^(0[xX])?[0-9A-Fa-f]{1,16}$"}
TEXT = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT, "pattern": PLAIN_PATTERN}


def _parameter(name: str, text: str, kind: Any = TEXT, **options: Any) -> OpenApiParameter:
    kind = OpenApiTypes.STR if "enum" in options else kind
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=text, **options)


def _several(name: str, text: str, kind: dict[str, Any] = TEXT) -> OpenApiParameter:
    several = {"type": "array", "items": kind, "maxItems": MAX_VALUES}
    return _parameter(name, f"{text} May be given several times: any of them.", several)


FILTERS = [
    _parameter(
        "plate",
        "The plate, however it is written (`ab-12 cde` finds `AB12CDE`); `*` stands for any run of "
        "characters, `?` for one. At least one letter or digit.",
    ),
    _several("camera", "Id of the camera.", ID_SCHEMA),
    _several("zone", "Id of the zone.", ID_SCHEMA),
    _several("sensor", "Id of the sensor.", ID_SCHEMA),
    _several("region", "As the sensor sent it, upper or lower case."),
    _parameter(
        "min_confidence", "0 to 1, inclusive.", {"type": "number", "minimum": 0, "maximum": 1}
    ),
    _parameter("captured_after", "Captured at this time or later.", OpenApiTypes.DATETIME),
    _parameter("captured_before", "Captured before this time.", OpenApiTypes.DATETIME),
    _parameter("received_after", "Received at this time or later.", OpenApiTypes.DATETIME),
    _parameter("received_before", "Received before this time.", OpenApiTypes.DATETIME),
    _several("vehicle_type", "As the sensor sent it, upper or lower case."),
    _several("vehicle_make", "As the sensor sent it, upper or lower case."),
    _several("vehicle_color", "As the sensor sent it, upper or lower case."),
    _parameter("tpms_id", "Id of a tyre-pressure sensor that was heard, in hex.", TYRE),
    _parameter("has_frame", "Whether there is a picture of the scene.", OpenApiTypes.BOOL),
]
SIMILAR = _parameter(
    "similar",
    "A plate whose look-alikes and near misses are wanted: `0` for `O`, a character missing, added "
    "or misread. Each result then has a `match` with `score` (1 is the same) and `reason`.",
)
PAGING = [
    _parameter(
        "limit", "Events a page; 50 if absent.", {"type": "integer", "minimum": 1, "maximum": 500}
    ),
    _parameter("cursor", "Only as found in `next` and `previous`."),
    _parameter("newer_than", "Id of an event: the ones that follow it, nearest.", ID_SCHEMA),
    _parameter("older_than", "Id of an event: the ones before it, nearest.", ID_SCHEMA),
]
RANGE = [
    _parameter(
        "from",
        "Captured at this time or later; 30 days before `to` if absent.",
        OpenApiTypes.DATETIME,
    ),
    _parameter(
        "to",
        "Captured before this time; if absent the end of today (UTC), or of this hour if the "
        "bucket is one.",
        OpenApiTypes.DATETIME,
    ),
    _parameter(
        "bucket",
        "Length of the steps of `series`, in UTC; weeks start on Monday. At most 5,000 steps.",
        enum=["hour", "day", "week"],
        default="day",
    ),
]
DOWNLOAD = [
    _parameter(
        "format",
        "`csv` (RFC 4180; a text that a spreadsheet would take for a formula gets an apostrophe in "
        "front), `json` (an array) or `ndjson` (one event a line).",
        enum=["csv", "json", "ndjson"],
        default="csv",
    ),
    _parameter(
        "bom",
        "Whether CSV begins with a byte order mark, by which Excel knows UTF-8.",
        OpenApiTypes.BOOL,
        default=False,
    ),
]
EVENT = {
    "id": 4711,
    "event_id": "0d3c8a52-6b0e-4c86-9b3b-0f3f1a1f7a11",
    "plate": "AB12 CDE",
    "plate_normalized": "AB12CDE",
    "confidence": 0.93,
    "region": "gb",
    "captured_at": "2026-11-22T07:00:00.120000Z",
    "received_at": "2026-11-22T07:00:00.480000Z",
    "sensor": 2,
    "sensor_name": "Gate sensor",
    "camera": 3,
    "camera_name": "Gate",
    "zone": 1,
    "zone_name": "Entrance",
    "candidates": [{"plate": "A812CDE", "confidence": 0.41}],
    "bbox": [691, 397, 59, 34],
    "sequence": 10412,
    "vehicle": {"type": "car", "make": "Volkswagen", "color": "blue"},
    "location": {"latitude": 51.5, "longitude": -0.12},
    "tpms": [],
    "frame_url": "/api/v1/events/4711/frame",
    "frame_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "crop_url": None,
    "crop_sha256": None,
}
LIST_EXAMPLE = {
    "next": "https://anpr.example/api/v1/events?cursor=b2xkZXIuMTc5NTMzMDgwMDEyMDAwMC40NzEx&similar=A812CDE",
    "previous": None,
    "results": [EVENT | {"match": {"score": 0.986, "reason": "look-alike: B for 8"}}],
}
STATS_EXAMPLE = {
    "from": "2026-11-21T00:00:00Z",
    "to": "2026-11-23T00:00:00Z",
    "bucket": "day",
    "total": 3,
    "truncated": False,
    "unique_plates": 2,
    "unique_plates_approximate": False,
    "mean_confidence": 0.9,
    "series": [
        {"start": "2026-11-21T00:00:00Z", "events": 0, "mean_confidence": None},
        {"start": "2026-11-22T00:00:00Z", "events": 3, "mean_confidence": 0.9},
    ],
    "by_camera": [{"camera": 3, "name": "Gate", "events": 3}],
    "by_zone": [{"zone": None, "name": None, "events": 3}],
    "by_vehicle_type": [{"vehicle_type": "car", "events": 3}],
    "top_plates": [{"plate": "AB12CDE", "events": 2}, {"plate": "WG4L2M", "events": 1}],
    "top_plates_approximate": False,
}
CONFIDENCE_EXAMPLE = {
    "from": "2026-11-21T00:00:00Z",
    "to": "2026-11-23T00:00:00Z",
    "bucket": "day",
    "truncated": False,
    "starts": ["2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"],
    "cameras": [
        {
            "camera": 3,
            "name": "Gate",
            "total": 3,
            "mean_confidence": 0.9,
            "events": [0, 3],
            "confidence": [None, 0.9],
        }
    ],
}


def _answer(
    schema: dict[str, Any], text: str, example: dict[str, Any]
) -> dict[int, OpenApiResponse]:
    shown = OpenApiExample(text, value=example, response_only=True)
    return {200: OpenApiResponse(schema, text, examples=[shown])}


def _with(schema: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return schema | {"properties": schema["properties"] | properties}


_event = response_schema(EventView)
_link = {"type": "string", "format": "uri", "nullable": True}
_listed = _with(_event, match=response_schema(Match))
EVENT_LIST: dict[str, Any] = {
    "operation_id": "events_list",
    "parameters": [*FILTERS, SIMILAR, *PAGING],
    "responses": _answer(
        {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": _link,
                "previous": _link,
                "results": {"type": "array", "items": _listed},
            },
        },
        "A page of events",
        LIST_EXAMPLE,
    ),
}
EVENT_DOWNLOAD: dict[str, Any] = {
    "operation_id": "events_download",
    "parameters": [*DOWNLOAD, *FILTERS, SIMILAR],
    "responses": {
        (200, "text/csv"): OpenApiTypes.STR,
        (200, "application/json"): {"type": "array", "items": _listed},
        (200, "application/x-ndjson"): OpenApiTypes.STR,
    },
}
EVENT_DETAIL: dict[str, Any] = {
    "responses": _answer(
        _with(_event, exports={"type": "array", "items": {"type": "object"}}),
        "An event",
        EVENT | {"exports": []},
    )
}
EVENT_STATS: dict[str, Any] = {
    "parameters": [*RANGE, *FILTERS],
    "responses": _answer(response_schema(Statistics), "Statistics", STATS_EXAMPLE),
}
EVENT_CONFIDENCE: dict[str, Any] = {
    "parameters": [*RANGE, *FILTERS],
    "responses": _answer(
        response_schema(Confidence), "Confidence of each camera", CONFIDENCE_EXAMPLE
    ),
}
