"""What every answer tells the browser: pages, API, errors and files alike."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponseBase

# All that a page needs comes from this server, as files: no inline script or style.
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# The admin's own scripts are expressions in attributes, and the API's documentation has them inline.
ADMIN = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self' blob:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
LOOSER = ("/admin/", "/docs", "/redoc")
HEADER = "Content-Security-Policy"
OPENER = "Cross-Origin-Opener-Policy"
# Of what is no page. Whoever opens it as one gets nothing to run.
HEADERS = {
    HEADER: "default-src 'none'; frame-ancestors 'none'",
    OPENER: "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # The address of a page may hold a plate, which is nobody else's business.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def with_pictures_from(url: str, policy: str) -> str:
    """The policy with the site of this address among those that pictures may come from."""
    site = urlsplit(url)
    return policy.replace("img-src 'self'", f"img-src 'self' {site.scheme}://{site.netloc}")


class AnswerHeadersMiddleware:
    """Gives each answer what it lacks of them; a view may have set narrower ones.

    It stands first: what other middleware answers by itself (static files, redirects, preflights)
    passes here too.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.get("Content-Type", "").startswith("text/html"):
            policy = ADMIN if request.path.startswith(LOOSER) else STRICT
            response.headers.setdefault(HEADER, policy)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        # The page of the API's documentation would loosen it, for sign-ins at other sites.
        response.headers[OPENER] = HEADERS[OPENER]
        return response
