"""How much is read, when and where, and how surely."""

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
def statistics(request: HttpRequest) -> HttpResponse:
    return render(request, "statistics.html", filter_choices())
