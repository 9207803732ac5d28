"""Watch the reads come in."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from anpr_project.lib.read_only import read_only
from cameras.models import Camera
from zones.models import Zone


@read_only
@login_required
@permission_required("events.view_plateevent", raise_exception=True)
def live(request: HttpRequest) -> HttpResponse:
    """Show the live stream; the names for its filters need no right on cameras and zones."""
    context = {
        "cameras": Camera.objects.order_by("name").values("id", "name"),
        "zones": Zone.objects.exclude(zone_type="exclusion").order_by("name").values("id", "name"),
    }
    return render(request, "live.html", context)
