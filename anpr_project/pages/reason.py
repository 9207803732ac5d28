"""Say why one looks: asked before the pages that show plates, where the operator demands it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from anpr_project.lib.errors import FieldError
from anpr_project.lib.reasons import LONGEST, SESSION_KEY, checked

View = Callable[..., HttpResponse]


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Why do you look?"),
        max_length=LONGEST,
        help_text=_("A case number or a few words. It is kept with everything you look at."),
    )

    def clean_reason(self) -> str:
        try:
            return checked(self.cleaned_data["reason"], "reason")
        except FieldError as error:
            raise ValidationError(str(error.detail)) from None


@login_required
def reason(request: HttpRequest) -> HttpResponse:
    """Keep the reason in the session, until another one is given or the session ends."""
    form = ReasonForm(
        request.POST or None, initial={"reason": request.session.get(SESSION_KEY, "")}
    )
    if form.is_valid():
        request.session[SESSION_KEY] = form.cleaned_data["reason"]
        return redirect(_next(request))
    return render(request, "reason.html", {"form": form, "next": _next(request)})


def _next(request: HttpRequest) -> str:
    wanted = str(request.POST.get("next") or request.GET.get("next") or "")
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else reverse("live")


def reason_asked(view: View) -> View:
    """Lead to the question first, where the operator demands an answer and there is none."""

    @wraps(view)
    def asking(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if settings.REQUIRE_SEARCH_REASON and not request.session.get(SESSION_KEY):
            query = urlencode({"next": request.get_full_path()})
            return HttpResponseRedirect(f"{reverse('reason')}?{query}")
        return view(request, *args, **kwargs)

    return asking
