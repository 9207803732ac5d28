"""The one shape of every API error.

{"code": "invalid", "message": "…", "errors": [{"field": "plate", "code": "blank", "message": "…"}]}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rest_framework import exceptions, status


class FieldError(exceptions.APIException):
    """Input that is wrong in one named place; 400 unless a subclass says otherwise."""

    status_code: int = status.HTTP_400_BAD_REQUEST

    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(message, code)
        self.field = field


class TooLarge(FieldError):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE


class Conflict(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class Unavailable(exceptions.APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unavailable"
    default_detail = "The service cannot take this right now. Try again."


# Long enough for every message of ours; some of the framework's repeat the whole input.
MAX_MESSAGE_LENGTH = 500


def field_problem(field: str, code: str, message: str) -> dict[str, str]:
    return {"field": field, "code": code, "message": message}


def body(code: str, message: str, errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    return {"code": code, "message": message, "errors": errors or []}


def _flatten(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    if isinstance(detail, dict):
        for key, value in detail.items():
            name = "" if key == "non_field_errors" else str(key)
            yield from _flatten(value, ".".join(part for part in (path, name) if part))
    elif isinstance(detail, list):
        for index, value in enumerate(detail):
            inner = f"{path}.{index}" if isinstance(value, (dict, list)) else path
            yield from _flatten(value, inner)
    else:
        message = str(detail)[:MAX_MESSAGE_LENGTH]
        yield field_problem(path, getattr(detail, "code", "invalid"), message)


def error_body(error: exceptions.APIException) -> dict[str, Any]:
    """Return the API body of an exception."""
    if isinstance(error, FieldError):
        code = str(getattr(error.detail, "code", error.default_code))
        return body(code, str(error.detail), [field_problem(error.field, code, str(error.detail))])
    if isinstance(error, exceptions.ValidationError):
        problems = list(_flatten(error.detail))
        return body("invalid", problems[0]["message"] if problems else "Invalid input.", problems)
    return body(str(error.get_codes()), str(error.detail))
