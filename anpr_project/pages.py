"""The pages for people: sign in, and watch the reads come in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from anpr_project.lib.read_only import read_only
from cameras.models import Camera
from zones.models import Zone

# Everything the page needs comes from this server, as files: no inline script or style.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class SignInView(LoginView):
    """For everybody with an account; the admin's own page admits staff only."""

    template_name = "login.html"
    redirect_authenticated_user = True

    def dispatch(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(*args, **kwargs)
        response["Content-Security-Policy"] = CONTENT_POLICY
        return response


@read_only
@login_required
@permission_required("events.view_plateevent", raise_exception=True)
def live(request: HttpRequest) -> HttpResponse:
    """Show the live stream; the names for its filters need no right on cameras and zones."""
    context = {
        "cameras": Camera.objects.order_by("name").values("id", "name"),
        "zones": Zone.objects.exclude(zone_type="exclusion").order_by("name").values("id", "name"),
        "api_docs": settings.API_DOCS,
    }
    response = render(request, "live.html", context)
    response["Content-Security-Policy"] = CONTENT_POLICY
    return response
