"""What drf-spectacular cannot see by itself: credentials, and the errors of every operation."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema as SpectacularAutoSchema

METHODS = ("get", "post", "put", "patch", "delete")
BODY_METHODS = ("post", "put", "patch")
SCHEMA = {
    "type": "object",
    "description": "The one shape of every error.",
    "required": ["code", "message", "errors"],
    "properties": {
        "code": {"type": "string", "description": "for programs", "example": "invalid"},
        "message": {"type": "string", "description": "for people"},
        "errors": {
            "type": "array",
            "description": "what is wrong where; empty when no field is at fault",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {
                    "field": {"type": "string", "description": "a path like `vehicle.year`"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}
TEXTS = {
    "400": "Something in the request is wrong; `errors` names the field.",
    "401": "No credential, or one that is not valid.",
    "403": "The credential is valid, but its role may not do this.",
    "404": "There is no such thing.",
    "406": "The answer is not to be had in a form that `Accept` asks for.",
    "409": "It contradicts what is there: something else refers to it, or it changed just now.",
    "413": "The body, or a part of it, is too large.",
    "415": "Not a type of body, or of picture, that is taken here.",
    "422": "This `event_id` was sent before, with other content.",
    "429": "Too many requests; `Retry-After` says when to come back.",
    "503": "It cannot be done right now; `Retry-After` says when to come back.",
    "507": "The disk is nearly full, and nothing was kept; `Retry-After` says when to come back.",
}
INGEST = "/events/ingest"
# Whose body cannot be left out: drf-spectacular knows it of serializers alone.
WITH_BODY = (INGEST, f"{INGEST}/batch", "/plates/erase", "/redeliver")
# Where how often one may ask is limited.
LIMITED = re.compile(r"/(auth|events/ingest)|/test$")


class AutoSchema(SpectacularAutoSchema):
    """Groups operations by their collection: `/api/v1/config/cameras/{id}` is of cameras."""

    def get_tags(self) -> list[str]:
        parts = [part for part in self.path.split("/") if part not in ("api", "v1", "config")]
        named = [part for part in parts if part and not part.startswith("{")]
        return named[:1] or ["root"]


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "anpr_project.lib.authentication.TokenAuthentication"
    name = "tokenAuth"

    def get_security_definition(self, auto_schema: SpectacularAutoSchema) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "People and programs: `Token <token>`, from `POST /api/v1/auth/token`.",
        }


class SensorKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "sensors.authentication.SensorKeyAuthentication"
    name = "sensorKey"

    def get_security_definition(self, auto_schema: SpectacularAutoSchema) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "Sensors: `Api-Key <key>`, made under `/api/v1/config/sensors/{id}/keys`.",
        }


def _statuses(path: str, method: str, operation: dict[str, Any]) -> list[str]:
    """Return which errors an operation can answer, by its shape."""
    has_body, is_one = method in BODY_METHODS, "{" in path
    cases = {
        "400": has_body or "parameters" in operation,
        "401": True,
        "403": bool(operation.get("security")),
        # A page after the last one is not there either.
        "404": is_one or "parameters" in operation,
        "406": True,
        "409": method != "get",
        "413": has_body,
        "415": has_body,
        "422": path.endswith(INGEST),
        "429": bool(LIMITED.search(path)),
        "503": True,
        "507": INGEST in path,
    }
    return [status for status, applies in cases.items() if applies]


def _portable(pattern: str) -> str:
    """Return a pattern in ASCII, as ECMAScript reads it.

    Our patterns name lone surrogates, which no JSON text can hold; and what is beyond the basic
    plane is a pair of surrogates to ECMAScript, and so already named.
    """
    basic = re.sub("[\U00010000-\U0010ffff]-?", "", pattern)
    # As drf-spectacular writes them for a field's validator.
    basic = re.sub(r"\\U[0-9a-f]{8}-?", "", basic)
    return "".join(c if " " <= c <= "~" else f"\\u{ord(c):04x}" for c in basic)


def _tidy(item: dict[str, Any]) -> None:
    if isinstance(item.get("pattern"), str):
        item["pattern"] = _portable(item["pattern"])
    if {"type": "string", "maxLength": 0} in item.get("oneOf", ()):
        # Its pattern may admit the empty text too: then it is both.
        item["anyOf"] = item.pop("oneOf")
    if item.get("required") == []:
        # OpenAPI 3.0 has no empty list there.
        del item["required"]


def tidy_schema(
    result: dict[str, Any], generator: object, request: object, public: bool
) -> dict[str, Any]:
    """Make every part readable for all clients (a drf-spectacular postprocessing hook)."""
    level: list[Any] = [result]
    while level:
        item = level.pop()
        if isinstance(item, dict):
            _tidy(item)
            level.extend(item.values())
        elif isinstance(item, list):
            level.extend(item)
    return result


def document_errors(
    result: dict[str, Any], generator: object, request: object, public: bool
) -> dict[str, Any]:
    """Add the error shape to every operation (a drf-spectacular postprocessing hook)."""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = SCHEMA
    shape = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for path, item in result["paths"].items():
        for method in METHODS:
            operation = item.get(method)
            if path.endswith(WITH_BODY) and operation:
                operation["requestBody"]["required"] = True
            for status in _statuses(path, method, operation) if operation else ():
                answer = {"description": TEXTS[status], "content": shape}
                operation["responses"].setdefault(status, answer)
    return result
