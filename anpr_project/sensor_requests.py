"""Takes ingest past what only browsers need: sessions, CSRF, messages, the headers of pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import resolve, reverse

VIEWS = ("event-ingest", "event-ingest-batch")


def _is_from_sensor(request: HttpRequest) -> bool:
    """Whether it has a sensor's key, and no page of another site has sent it (CORS)."""
    headers = request.META
    return (
        headers.get("HTTP_AUTHORIZATION", "").startswith("Api-Key ")
        and "HTTP_ORIGIN" not in headers
    )


class SensorRequestsMiddleware:
    """Hands a request with a sensor's key to its view, in place of the middleware behind this one.

    A sensor has no cookie and shows no page, and those layers and the search for the address cost a
    fifth of an event. Requests of anybody else go the usual way to the same view.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    @cached_property
    def views(self) -> dict[str, Callable[[HttpRequest], HttpResponse]]:
        # At the first request: the stream process has none, and should not load the views.
        return {path: resolve(path).func for path in map(reverse, VIEWS)}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        view = self.views.get(request.path_info)
        if view is None or not _is_from_sensor(request):
            return self.get_response(request)
        request.get_host()  # raises for a host that is not ours
        response = view(request)
        response.headers["Content-Length"] = str(len(response.content))
        return response
