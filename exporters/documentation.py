"""What the API documentation says of exporters, made from the types that check them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from anpr_project.lib.filters import ID_SCHEMA
from events.documentation import EVENT, response_schema
from events.representation import EventView
from exporters.matching import Filters
from exporters.redelivery import Request
from exporters.retry import RetryPolicy
from exporters.state import Export, State
from exporters.transports.known import TRANSPORTS
from exporters.trial import Result

CONFIGS: dict[str, dict[str, Any]] = {
    "webhook": {
        "config": {"url": "https://example.com/plates", "headers": {"X-Site": "north"}},
        "auth": {"type": "signature", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    },
    "mqtt": {
        "config": {
            "host": "broker.example.com",
            "port": 8883,
            "topic": "anpr/{camera}/{plate}",
            "qos": 1,
            "tls": True,
        },
        "auth": {"type": "basic", "username": "anpr", "password": "secret"},
    },
    "kafka": {
        "config": {"bootstrap_servers": "kafka.lan:9093", "topic": "plates", "tls": True},
        "auth": {
            "type": "sasl",
            "mechanism": "SCRAM-SHA-512",
            "username": "anpr",
            "password": "secret",
        },
    },
}
FILTERS_EXAMPLE = {"cameras": [3], "plates": ["AB*", "WG4L2M"], "min_confidence": 0.8}


def _any_of(kinds: list[Any], text: str) -> dict[str, Any]:
    return {"description": text, "anyOf": [response_schema(kind) for kind in kinds]}


CONFIG = _any_of(
    [transport.Config for transport in TRANSPORTS.values()],
    "Where to, by `exporter_type`. Replaced as a whole by PUT and PATCH.",
)
AUTH = _any_of(
    [transport.Auth for transport in TRANSPORTS.values()],
    "Credentials. Secrets are shown as `***`; sent back like that, for the same destination and "
    "type, they stay. Null when the server's keys do not open them any more.",
)
RETRY = response_schema(RetryPolicy)
FILTERS = response_schema(Filters)
STATE = response_schema(State) | {"readOnly": True}
EXPORTERS = [
    OpenApiExample(
        f"A {kind} exporter",
        request_only=True,
        value={"name": f"{kind} example", "exporter_type": kind}
        | example
        | {"retry": {}, "filters": FILTERS_EXAMPLE, "ordered": False, "enabled": True},
    )
    for kind, example in CONFIGS.items()
]


class AuthExtension(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Null is what may be shown, and nothing that may be sent."""

    target_class = "exporters.serializers.AuthField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        return AUTH if direction == "request" else AUTH | {"nullable": True}


@dataclass(frozen=True)
class Queued:
    queued: int


DELIVERIES = [
    OpenApiParameter("state", enum=["pending", "delivered", "dead"]),
    OpenApiParameter("event", ID_SCHEMA, description="Id of the event."),
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1},
        description="Rows a page, at most 500; 50 if absent.",
    ),
    OpenApiParameter("cursor", description="Only as found in `next` and `previous`."),
]
TRIAL: dict[str, Any] = {
    "summary": "Send a marked sample",
    "request": None,
    "responses": {200: OpenApiResponse(response_schema(Result), "What became of it.")},
}
SWITCH: dict[str, Any] = {"request": None}
REDELIVER: dict[str, Any] = {
    "summary": "Send deliveries again",
    "request": {"application/json": response_schema(Request)},
    "responses": {202: OpenApiResponse(response_schema(Queued), "How many are queued.")},
    "examples": [
        OpenApiExample("By id", value={"ids": [81, 82]}, request_only=True),
        OpenApiExample(
            "The dead ones of a morning",
            value={
                "from": "2026-11-22T06:00:00Z",
                "to": "2026-11-22T12:00:00Z",
                "state": "dead",
            },
            request_only=True,
        ),
    ],
}
_example = EVENT | {
    "exports": [
        {
            "exporter": 1,
            "name": "webhook example",
            "status": "delivered",
            "attempts": 1,
            "delivered_at": "2026-11-22T07:00:00.730000Z",
        }
    ]
}
_event = response_schema(EventView)
_exports = {"type": "array", "items": response_schema(Export)}
EVENT_DETAIL: dict[str, Any] = {
    "responses": {
        200: OpenApiResponse(
            _event | {"properties": _event["properties"] | {"exports": _exports}},
            "An event",
            examples=[OpenApiExample("An event", value=_example, response_only=True)],
        )
    }
}
