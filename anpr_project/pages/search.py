"""Find reads by plate, time, place and vehicle."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from anpr_project.lib.read_only import read_only
from anpr_project.pages.choices import filter_choices
from anpr_project.pages.reason import reason_asked


@read_only
@login_required
@permission_required("events.view_plateevent", raise_exception=True)
@reason_asked
def search(request: HttpRequest) -> HttpResponse:
    return render(request, "search.html", filter_choices())
