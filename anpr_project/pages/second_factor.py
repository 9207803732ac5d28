"""Set up and remove one's second factor, and make new recovery codes."""

from __future__ import annotations

import io

import segno
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from anpr_project.lib.second_factor import lacks_second_factor
from anpr_project.models import CODE, Authenticator, RecoveryCode
from anpr_project.pages.account import PasswordAgainForm, own
from anpr_project.pages.sign_in import CodeForm
from anpr_project.sign_in import end_all, needs_code


class SetUpForm(PasswordAgainForm, CodeForm):
    field_order = ["code", "password"]


def qr_code(address: str) -> SafeString:
    """Draw the code as SVG in the page: it needs no script, and no image that a cache could keep."""
    out = io.BytesIO()
    segno.make(address, error="m").save(
        out, kind="svg", xmldecl=False, svgns=False, omitsize=True, svgclass="qr", lineclass=None
    )
    return mark_safe(out.getvalue().decode())  # nosec B308, B703  # noqa: S308 - drawn by us, holds no text


@never_cache
@login_required
def set_up(request: HttpRequest) -> HttpResponse:
    user = own(request)
    if needs_code(user):
        return redirect("account")
    device = Authenticator.prepare_for(user)
    form = SetUpForm(request)
    # Both at once: a wrong password must not cost the code.
    if request.method == "POST" and form.is_valid():
        if _confirm(device, form.cleaned_data["code"]):
            end_all(user, but=request)
            return _show_codes(request, is_new=True)
        form.add_error(
            "code", _("This is not the code that the app shows now. Is its clock right?")
        )
    context = {
        "form": form,
        "secret": device.secret,
        "qr": qr_code(device.address),
        "demanded": lacks_second_factor(user),
    }
    return render(request, "second_factor.html", context)


def _confirm(device: Authenticator, text: str) -> bool:
    code = text.replace(" ", "")
    with transaction.atomic():
        locked = Authenticator.objects.select_for_update().get(pk=device.pk)
        if not CODE.fullmatch(code) or not locked.verify_token(code):
            return False
        locked.confirmed = True
        locked.save(update_fields=["confirmed"])
    return True


def _show_codes(request: HttpRequest, *, is_new: bool) -> HttpResponse:
    codes = RecoveryCode.objects.renew(own(request))
    return render(request, "recovery_codes.html", {"codes": codes, "is_new": is_new})


@never_cache
@login_required
def new_recovery_codes(request: HttpRequest) -> HttpResponse:
    if not needs_code(own(request)):
        return redirect("second_factor")
    form = PasswordAgainForm(request)
    if request.method == "POST" and form.is_valid():
        return _show_codes(request, is_new=False)
    return render(request, "account_form.html", {"form": form, "purpose": "codes"})


@never_cache
@login_required
def remove(request: HttpRequest) -> HttpResponse:
    user = own(request)
    form = PasswordAgainForm(request)
    if request.method == "POST" and form.is_valid():
        Authenticator.remove_from(user)
        messages.success(
            request, _("The second factor is removed. The password alone opens the door.")
        )
        return redirect("account")
    return render(request, "account_form.html", {"form": form, "purpose": "remove"})
