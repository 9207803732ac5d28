"""Leads staff who lack a demanded second factor to its set-up, and lets them nowhere else."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import redirect

from anpr_project.lib.errors import body
from anpr_project.lib.second_factor import lacks_second_factor

CODE = "second_factor_required"
MESSAGE = "Staff of this installation need a second factor: set it up at /account/second-factor."
# What the set-up itself needs, and the way out.
OPEN = ("/account", "/login", "/logout", "/static/", "/texts.js")


class SecondFactorMiddleware:
    """For sessions; tokens are refused where they are looked up."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if not settings.REQUIRE_SECOND_FACTOR_FOR_STAFF:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(OPEN) or not lacks_second_factor(request.user):
            return self.get_response(request)
        if request.path.startswith("/api/"):
            return JsonResponse(body(CODE, MESSAGE), status=403)
        return redirect("second_factor")
