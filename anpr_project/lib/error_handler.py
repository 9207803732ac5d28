"""Turns every exception into the one shape of API errors."""

from __future__ import annotations

import logging
import sys
from typing import Any

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views import defaults
from rest_framework import exceptions, status
from rest_framework.fields import get_error_detail
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from anpr_project.lib.errors import Conflict, Unavailable, body, error_body
from anpr_project.lib.json_format import json_response
from anpr_project.lib.models import InUse

logger = logging.getLogger(__name__)
RETRY_AFTER_S = "2"
RETRYABLE = {status.HTTP_503_SERVICE_UNAVAILABLE, status.HTTP_507_INSUFFICIENT_STORAGE}


def _translated(error: Exception) -> exceptions.APIException | None:
    """Map what Django raises to the API error that says it."""
    match error:
        case exceptions.APIException():
            return error
        case Http404():
            return exceptions.NotFound()
        case DjangoPermissionDenied():
            return exceptions.PermissionDenied()
        case DjangoValidationError():
            return exceptions.ValidationError(get_error_detail(error))
        case InUse():
            return Conflict(str(error), "in_use")
        case DatabaseError() | InterfaceError():
            return _translated_database_error(error)
    return None


def _translated_database_error(error: Exception) -> exceptions.APIException | None:
    match error:
        case IntegrityError():
            # The check in Python passed, then another request came first.
            return Conflict("The data changed at the same moment. Read it again and retry.")
        case DataError():
            return exceptions.ValidationError("A value is out of range or not storable.")
        case OperationalError() | InterfaceError():
            logger.warning("database unavailable", extra={"reason": type(error).__name__})
            return Unavailable()
    return None


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER; None hands an unknown error to Django, which logs it."""
    known = _translated(error)
    if known is None:
        return None
    response = drf_exception_handler(known, context)
    if response is None:  # pragma: no cover - DRF answers every APIException
        return None
    response.data = error_body(known)
    if known.status_code in RETRYABLE:
        response["Retry-After"] = RETRY_AFTER_S
    return response


def error_response(error: Exception) -> HttpResponse | None:
    """Like handle(), for a view that makes its own responses."""
    answer = handle(error, {})
    if answer is None:
        return None
    response = json_response(answer.data, answer.status_code)
    for name in ("Retry-After", "WWW-Authenticate"):
        if name in answer:
            response[name] = answer[name]
    return response


def _plain(status_code: int, code: str, message: str) -> HttpResponse:
    return JsonResponse(body(code, message), status=status_code)


def _for_a_person(request: HttpRequest) -> bool:
    """Whether a browser asks for a page; below /api/ an error is JSON whoever asks."""
    types = ["application/json", "text/html"]
    return not request.path.startswith("/api/") and (
        request.get_preferred_type(types) == "text/html"
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _for_a_person(request):
        return defaults.bad_request(request, exception)
    return _plain(400, "bad_request", "The request cannot be understood.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _for_a_person(request):
        return defaults.permission_denied(request, exception)
    return _plain(403, "permission_denied", "You may not do this.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _for_a_person(request):
        return defaults.page_not_found(request, exception)
    return _plain(404, "not_found", "There is nothing at this address.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Django calls it while it handles the exception; what only needs time is no failure, nor is
    what somebody wrote into an address that the database does not take."""
    error = sys.exception()
    if isinstance(error, DataError):
        return bad_request(request, error)
    known = _translated(error) if isinstance(error, Exception) else None
    if isinstance(known, Unavailable):
        return _come_back(request, known)
    if _for_a_person(request):
        return defaults.server_error(request)
    return _plain(500, "server_error", "The server failed; the failure is logged.")


def _come_back(request: HttpRequest, error: Unavailable) -> HttpResponse:
    again = {"Retry-After": RETRY_AFTER_S}
    if _for_a_person(request):
        again["Refresh"] = RETRY_AFTER_S
        return HttpResponse(render_to_string("503.html"), status=503, headers=again)
    return JsonResponse(error_body(error), status=503, headers=again)
