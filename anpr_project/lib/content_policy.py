"""The content security policy of every page: what is not from this server is not loaded."""

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


def with_pictures_from(url: str, policy: str) -> str:
    """The policy with the site of this address among those that pictures may come from."""
    site = urlsplit(url)
    return policy.replace("img-src 'self'", f"img-src 'self' {site.scheme}://{site.netloc}")


class ContentPolicyMiddleware:
    """Gives each HTML page its policy, unless the view has set a narrower one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.get("Content-Type", "").startswith("text/html"):
            policy = ADMIN if request.path.startswith(LOOSER) else STRICT
            response.headers.setdefault(HEADER, policy)
        return response
