"""Who may open the stream: a token, or a session from an origin of ours."""

from __future__ import annotations

from http.cookies import SimpleCookie
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest

from anpr_project.lib.authentication import user_of_token
from anpr_project.lib.second_factor import lacks_second_factor

UNAUTHENTICATED = 4401
FORBIDDEN = 4403


class Refused(Exception):
    """Why a connection is closed, as a WebSocket close code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def _headers(scope: dict[str, Any]) -> dict[bytes, bytes]:
    return dict(scope["headers"])


def _as_request(scope: dict[str, Any]) -> HttpRequest:
    """Return the handshake as the rest of the product knows requests, with its session if any."""
    headers = _headers(scope)
    request = HttpRequest()
    request.user = AnonymousUser()
    request.META = {
        "REMOTE_ADDR": (scope.get("client") or [""])[0],
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
    }
    for name, value in headers.items():
        request.META[f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}"] = value.decode(
            "latin-1"
        )
    cookies = SimpleCookie(request.META.get("HTTP_COOKIE", ""))
    key = cookies.get(settings.SESSION_COOKIE_NAME)
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key and key.value)
    return request


def _is_own_origin(headers: dict[bytes, bytes]) -> bool:
    """Browsers send cookies along from any page: only our own pages may use them here."""
    origin = headers.get(b"origin", b"").decode("latin-1")
    host = headers.get(b"host", b"").decode("latin-1")
    return bool(origin) and (urlsplit(origin).netloc == host or origin in settings.CORS_ORIGINS)


def admit(scope: dict[str, Any]) -> HttpRequest:
    """Return who connects; Refused unless they may read events. Asks the database."""
    headers, request = _headers(scope), _as_request(scope)
    authorization = headers.get(b"authorization")
    user: User | AnonymousUser | None
    if authorization is not None:
        user = user_of_token(authorization)
        request.auth = user  # type: ignore[attr-defined]  # as DRF tells a token from a session
    else:
        # As the database knows it now, not as of the handshake.
        user = auth.get_user(request) if request.session.session_key else None
        if user is not None and user.is_authenticated and not _is_own_origin(headers):
            raise Refused(FORBIDDEN, "origin not allowed")
    if user is None or not user.is_authenticated:
        raise Refused(UNAUTHENTICATED, "login required")
    if lacks_second_factor(user):
        raise Refused(FORBIDDEN, "second factor required")
    if not user.has_perm("events.view_plateevent"):
        raise Refused(FORBIDDEN, "not allowed to read events")
    request.user = user
    return request
