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
    "409": "Something else refers to it: disable it instead.",
    "default": "Any other failure. 429, 503 and 507 say in `Retry-After` when to come back.",
}


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
    cases = {
        "400": method in BODY_METHODS or "parameters" in operation,
        "401": True,
        "403": bool(operation.get("security")),
        "404": "{" in path,
        "409": method == "delete" and "{" in path,
        "default": True,
    }
    return [status for status, applies in cases.items() if applies]


def _portable(pattern: str) -> str:
    """Return a pattern in ASCII, as ECMAScript reads it.

    Our patterns name lone surrogates, which no JSON text can hold; and what is beyond the basic
    plane is a pair of surrogates to ECMAScript, and so already named.
    """
    basic = re.sub("[\U00010000-\U0010ffff]-?", "", pattern)
    return "".join(c if " " <= c <= "~" else f"\\u{ord(c):04x}" for c in basic)


def _tidy(item: dict[str, Any]) -> None:
    if isinstance(item.get("pattern"), str):
        item["pattern"] = _portable(item["pattern"])
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
            for status in _statuses(path, method, operation) if operation else ():
                answer = {"description": TEXTS[status], "content": shape}
                operation["responses"].setdefault(status, answer)
    return result
