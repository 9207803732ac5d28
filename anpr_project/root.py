"""The front door: what this is and where to go; and the stream's address, asked without a socket."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from anpr_project import __version__
from anpr_project.lib.errors import body
from anpr_project.lib.read_only import read_only

LINKS = {
    "live": "/live",
    "search": "/search",
    "statistics": "/statistics",
    "admin": "/admin/",
    "login": "/api/v1/auth/token",
    "events": "/api/v1/events",
    "stream": "/api/v1/events/stream",
    "ingest": "/api/v1/events/ingest",
    "cameras": "/api/v1/config/cameras",
    "zones": "/api/v1/config/zones",
    "models": "/api/v1/config/models",
    "sensors": "/api/v1/config/sensors",
    "exporters": "/api/v1/exporters",
    "health": "/health",
    "ready": "/ready",
    "liveness": "/liveness",
}
DOCS = {"docs": "/docs", "redoc": "/redoc", "schema": "/schema"}


@read_only
def root(request: HttpRequest) -> HttpResponse:
    links = LINKS | (DOCS if settings.API_DOCS else {})
    return JsonResponse({"name": "ANPR Cloud", "version": __version__, "links": links})


@read_only
def only_a_socket(request: HttpRequest) -> HttpResponse:
    """Say that the address is right and the protocol is not; a 404 would send people searching."""
    refusal = body("upgrade_required", "This is a WebSocket address: connect by ws:// or wss://.")
    return JsonResponse(refusal, status=426, headers={"Upgrade": "websocket"})
