"""One's own account: password, second factor, sessions, tokens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import authenticate, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import SetPasswordMixin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from knox.models import AuthToken

from anpr_project.lib.sessions import stored_key
from anpr_project.models import Authenticator, RecoveryCode
from anpr_project.pages.browsers import name_of_browser
from anpr_project.sign_in import end_all, sessions_of


def own(request: HttpRequest) -> User:
    """Return the signed-in user, which the type of a request leaves open."""
    if not isinstance(request.user, User):
        raise TypeError("only behind login_required")
    return request.user


class PasswordAgainForm(forms.Form):
    """Asks for the password once more; a wrong one counts towards the lock-out."""

    password = forms.CharField(
        label=_("Your password"),
        max_length=1024,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.POST or None)
        self.request, self.user = request, own(request)

    def clean_password(self) -> str:
        password = self.cleaned_data["password"]
        name = self.user.get_username()
        if authenticate(self.request, username=name, password=password) is None:
            raise forms.ValidationError(
                _("Five tries failed. Wait a quarter of an hour.")
                if getattr(self.request, "axes_locked_out", False)
                else _("This is not your password.")
            )
        return str(password)


class NewPasswordForm(SetPasswordMixin, PasswordAgainForm):  # type: ignore[type-arg]  # only generic in its stub
    new_password1, new_password2 = SetPasswordMixin.create_password_fields(
        label1=_("New password"), label2=_("New password, again")
    )
    field_order = ["password", "new_password1", "new_password2"]

    def clean(self) -> dict[str, Any] | None:
        self.validate_passwords("new_password1", "new_password2")
        self.validate_password_for_user(self.user, "new_password2")
        return super().clean()


def _shown_sessions(request: HttpRequest) -> list[dict[str, Any]]:
    current = stored_key(request.session.session_key or "")
    return [
        {"row": row, "browser": name_of_browser(row.user_agent), "is_this": row.pk == current}
        for row in sessions_of(own(request))
    ]


@never_cache
@login_required
def account(request: HttpRequest) -> HttpResponse:
    user = own(request)
    context = {
        "authenticator": Authenticator.objects.filter(user=user, confirmed=True).first(),
        "codes_left": RecoveryCode.objects.of(user).count(),
        "sessions": _shown_sessions(request),
        "tokens": AuthToken.objects.filter(user=user, expiry__gt=timezone.now()).order_by(
            "-created"
        ),
    }
    return render(request, "account.html", context)


@never_cache
@login_required
def change_password(request: HttpRequest) -> HttpResponse:
    form = NewPasswordForm(request)
    if request.method == "POST" and form.is_valid():
        user = own(request)
        user.set_password(form.cleaned_data["new_password1"])
        user.save(update_fields=["password"])
        update_session_auth_hash(request, user)
        end_all(user, but=request)
        messages.success(
            request, _("The password is changed. All other sessions and tokens ended.")
        )
        return redirect("account")
    return render(request, "account_form.html", {"form": form, "purpose": "password"})


@require_POST
@login_required
def end_session(request: HttpRequest, key: str) -> HttpResponse:
    if sessions_of(own(request)).filter(session_key=key).delete()[0]:
        messages.success(request, _("The session is ended."))
    return redirect("account")


@require_POST
@login_required
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    others = sessions_of(own(request)).exclude(
        session_key=stored_key(request.session.session_key or "")
    )
    others.delete()
    messages.success(request, _("All other sessions are ended."))
    return redirect("account")


@require_POST
@login_required
def revoke_token(request: HttpRequest, digest: str) -> HttpResponse:
    if AuthToken.objects.filter(user=own(request), digest=digest).delete()[0]:
        messages.success(request, _("The token is revoked."))
    return redirect("account")
