"""Takes the requests of programs past what only browsers need: sessions, CSRF, messages, languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.urls import Resolver404, ResolverMatch, resolve
from django.utils.cache import patch_vary_headers

from anpr_project.lib.request_metrics import RequestMetricsMiddleware

GetResponse = Callable[[HttpRequest], HttpResponseBase]
API = "/api/"
SENSOR, TOKEN = "api-key", "token"
INGEST = ("event-ingest", "event-ingest-batch")
# What the middleware that is passed by would say of an answer.
VARY = ("Accept-Language", "origin")
# So many addresses are remembered, for those of events have no end.
KNOWN = 512


def scheme_of(environ: Mapping[str, Any]) -> str:
    """Return how a program of the API says who it is; empty for what a page may have sent."""
    if environ.get("HTTP_COOKIE") or "HTTP_ORIGIN" in environ:
        return ""
    if environ["REQUEST_METHOD"] == "OPTIONS" or not environ["PATH_INFO"].startswith(API):
        return ""
    authorization: str = environ.get("HTTP_AUTHORIZATION", "")
    return authorization.partition(" ")[0].lower()


class Straight(BaseHandler):
    """Django's way from a known address to an answer, with no middleware but what counts requests."""

    # Of these Django's types say nothing.
    _view_middleware: list[Any]
    _exception_middleware: list[Any]
    _template_response_middleware: list[Any]
    _get_response: Any

    def __init__(self) -> None:
        self._view_middleware, self._exception_middleware = [], []
        self._template_response_middleware = []
        self.answer: Any = convert_exception_to_response(self._get_response)
        if settings.ENABLE_METRICS:
            self._count()
        if len(settings.LANGUAGES) > 1:
            self.answer = LocaleMiddleware(self.answer)

    def _count(self) -> None:
        counting = RequestMetricsMiddleware(self.answer)
        self._view_middleware.append(counting.process_view)
        self._exception_middleware.append(counting.process_exception)
        self._template_response_middleware.append(counting.process_template_response)
        self.answer = counting

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        assert request.resolver_match is not None  # noqa: S101 - for the type checker
        return request.resolver_match


class ProgramRequestsMiddleware:
    """Hands a program's request to its view, in place of the middleware behind this one.

    A program has no cookie and shows no page, and those layers and the search for the address cost
    a fifth of an event and a seventh of a search. Requests of anybody else, and for anything but
    the API, go the usual way.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.straight = Straight()
        self.match = lru_cache(KNOWN)(resolve)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        scheme = scheme_of(request.META)
        match = self._match(request) if scheme in {SENSOR, TOKEN} else None
        if match is None or (scheme == SENSOR and match.url_name not in INGEST):
            return self.get_response(request)
        request.get_host()  # raises for a host that is not ours
        if scheme == SENSOR:
            response: HttpResponse = match.func(request)
        else:
            request.resolver_match = match
            response = self.straight.answer(request)
            patch_vary_headers(response, VARY)
            response.headers.setdefault("Content-Language", settings.LANGUAGE_CODE)
        if not response.streaming:
            response.headers.setdefault("Content-Length", str(len(response.content)))
        return response

    def _match(self, request: HttpRequest) -> ResolverMatch | None:
        """Return the view of the API that is asked for, if it is one: they need no CSRF token."""
        try:
            match = self.match(request.path_info)
        except Resolver404:
            return None
        return match if getattr(match.func, "csrf_exempt", False) else None
