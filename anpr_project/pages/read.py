"""One read on a page of its own, to be linked to."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control

from anpr_project.pages.reason import reason_asked
from events.filters import MAX_ID
from events.models import PlateEvent


@cache_control(no_store=True)
@login_required
@permission_required("events.view_plateevent", raise_exception=True)
@reason_asked
def read(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the read as the API has it; a read that is not kept any more is a 404 at once."""
    if pk > MAX_ID or not PlateEvent.objects.filter(pk=pk).exists():
        raise Http404
    return render(request, "read.html", {"read": pk})
