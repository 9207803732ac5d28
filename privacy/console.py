"""The console's page for data subjects: what is kept about a plate, a copy of it, its erasure."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from anpr_project.lib.errors import FieldError
from anpr_project.lib.reasons import LONGEST, checked
from evidence.views import PERMISSIONS
from privacy.erasure import Held, Report
from privacy.request import MOST_PLATES, Wish, plates_of
from privacy.views import ERASE, fulfil


class PlateForm(forms.Form):
    plate = forms.CharField(
        label=gettext_lazy("Plate"), max_length=64, widget=UnfoldAdminTextInputWidget()
    )
    also = forms.CharField(
        label=gettext_lazy("Misreads of it"),
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget(),
        help_text=gettext_lazy("Plates that go with it, with commas between."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=LONGEST,
        widget=UnfoldAdminTextInputWidget(),
        help_text=gettext_lazy("Who asked, and when. It is kept in the audit log."),
    )

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        also = [text for text in given.get("also", "").split(",") if text.strip()]
        try:
            if len(also) >= MOST_PLATES:
                raise FieldError("also", "too_many", f"At most {MOST_PLATES - 1}.")
            plates = plates_of(given["plate"], also) if "plate" in given else []
            reason = checked(given["reason"], "reason") if "reason" in given else ""
        except FieldError as error:
            raise ValidationError({error.field: str(error.detail)}) from None
        return given | {"plates": plates, "reason": reason}


@permission_required(ERASE, raise_exception=True)
def data_subject(request: HttpRequest) -> HttpResponse:
    """Show first what there is; erase when that is confirmed, and only then."""
    form = PlateForm(request.POST or None)
    context: dict[str, Any] = admin.site.each_context(request) | {
        "title": _("Data subjects"),
        "form": form,
        "may_copy": request.user.has_perms(PERMISSIONS),
    }
    if form.is_valid():
        is_confirmed = request.POST.get("do") == "erase"
        wish = Wish(form.cleaned_data["plates"], form.cleaned_data["reason"], not is_confirmed)
        context |= {"plates": wish.plates}
        try:
            found = fulfil(wish, request)
        except Held as held:
            messages.error(request, str(held.detail))
            found = fulfil(Wish(wish.plates, wish.reason, dry_run=True), request)
        context["erased" if isinstance(found, Report) else "kept"] = found
        if isinstance(found, Report) and found.complete:
            context["form"] = PlateForm()
    return TemplateResponse(request, "privacy/data_subject.html", context)
