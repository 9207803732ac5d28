from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, ProgrammingError
from django.http import Http404
from rest_framework import exceptions

from anpr_project.lib.error_handler import handle
from anpr_project.lib.errors import (
    MAX_MESSAGE_LENGTH,
    Conflict,
    FieldError,
    TooLarge,
    Unavailable,
    error_body,
)
from anpr_project.lib.models import InUse


def problem(field: str, code: str, message: str) -> dict[str, str]:
    return {"field": field, "code": code, "message": message}


def test_field_error_names_the_field_once() -> None:
    assert error_body(FieldError("plate", "blank", "Empty.")) == {
        "code": "blank",
        "message": "Empty.",
        "errors": [problem("plate", "blank", "Empty.")],
    }


@pytest.mark.parametrize(
    ("detail", "problems"),
    [
        ("Bad.", [problem("", "invalid", "Bad.")]),
        ([], []),
        ({"name": ["Bad."]}, [problem("name", "invalid", "Bad.")]),
        (
            {"vehicle": {"year": ["Old.", "Odd."]}},
            [
                problem("vehicle.year", "invalid", "Old."),
                problem("vehicle.year", "invalid", "Odd."),
            ],
        ),
        ({"zones": {3: ["Bad."]}}, [problem("zones.3", "invalid", "Bad.")]),
        ({"a": [{}, {"b": ["Bad."]}]}, [problem("a.1.b", "invalid", "Bad.")]),
        ({"non_field_errors": ["Bad."]}, [problem("", "invalid", "Bad.")]),
    ],
    ids=range(7),
)
def test_nested_problems_become_paths(detail: Any, problems: list[dict[str, str]]) -> None:
    body = error_body(exceptions.ValidationError(detail))
    assert body["errors"] == problems
    assert body["code"] == "invalid"
    assert body["message"] == (problems[0]["message"] if problems else "Invalid input.")


def test_message_that_repeats_the_input_is_cut() -> None:
    body = error_body(exceptions.ValidationError({"a": ["x" * 10_000]}))
    assert len(body["message"]) == MAX_MESSAGE_LENGTH


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "permission_denied"),
        (exceptions.NotFound(), 404, "not_found"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.Throttled(7), 429, "throttled"),
        (TooLarge("frame", "too_large", "Large."), 413, "too_large"),
        (InUse(Group(), ["cameras", "sensors"]), 409, "in_use"),
        (Conflict("Meanwhile."), 409, "conflict"),
        (IntegrityError("secret detail"), 409, "conflict"),
        (DataError("secret detail"), 400, "invalid"),
        (OperationalError("secret detail"), 503, "unavailable"),
        (InterfaceError("secret detail"), 503, "unavailable"),
        (Unavailable(), 503, "unavailable"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_every_known_failure_has_its_answer(
    db: None, error: Exception, status: int, code: str
) -> None:
    response = handle(error, {})
    assert response is not None
    assert response.status_code == status
    assert set(response.data) == {"code", "message", "errors"}
    assert response.data["code"] == code
    assert "secret" not in str(response.data)
    assert ("Retry-After" in response) is (status in (429, 503))


@pytest.mark.parametrize("error", [ValueError("x"), ProgrammingError("x"), KeyError("x")], ids=repr)
def test_fault_of_ours_is_left_to_the_server_error_page(error: Exception) -> None:
    assert handle(error, {}) is None


def test_checks_of_models_keep_field_and_code(db: None) -> None:
    error = DjangoValidationError({"name": DjangoValidationError("Bad %(x)s.", "odd", {"x": 1})})
    response = handle(error, {})
    assert response is not None
    assert response.data["errors"] == [problem("name", "odd", "Bad 1.")]
    response = handle(DjangoValidationError("Bad.", "odd"), {})
    assert response is not None
    assert response.data["errors"] == [problem("", "odd", "Bad.")]


def test_in_use_names_the_users_and_the_way_out() -> None:
    assert str(InUse(Group(), ["cameras", "sensors"])) == (
        "This group is used by cameras, sensors. Disable it instead of deleting it."
    )
