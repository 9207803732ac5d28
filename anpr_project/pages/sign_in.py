"""Sign in: a name and a password, and the code of the second factor where there is one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, RedirectURLMixin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.generic import FormView

from anpr_project.lock_out import locked_for, note_failure
from anpr_project.sign_in import code_holds, needs_code, sign_in

# Who has shown the password, until the code is shown too.
PENDING = "_pending"
PENDING_S = 300


class LockOutMixin:
    """Answers 429 and says when to come back, however right the password is."""

    request: HttpRequest

    def locked(self, form: forms.Form, username: str) -> HttpResponse | None:
        seconds = locked_for(self.request, username)
        if not seconds:
            return None
        view: Any = self
        context = view.get_context_data(form=form, locked_minutes=-(-seconds // 60))
        answer: HttpResponse = view.render_to_response(context)
        answer.status_code = 429
        answer["Retry-After"] = str(seconds)
        return answer


class SignInView(LockOutMixin, LoginView):
    """For everybody with an account, and the one door to the admin too."""

    template_name = "login.html"
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        if not needs_code(user):
            sign_in(self.request, user)
            return HttpResponseRedirect(self.get_success_url())
        self.request.session[PENDING] = [user.pk, timezone.now().timestamp() + PENDING_S]
        self.request.session.set_expiry(PENDING_S)
        onwards = {self.redirect_field_name: self.get_redirect_url()}
        return redirect(f"{reverse('login_code')}?{urlencode(onwards)}")

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        name = form.cleaned_data.get("username", "")
        return self.locked(form, name) or super().form_invalid(form)


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code"),
        max_length=32,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
        ),
    )


class CodeView(LockOutMixin, RedirectURLMixin, FormView[CodeForm]):
    """The second step; without the first one, back to it."""

    template_name = "login_code.html"
    form_class = CodeForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        pk, until = request.session.get(PENDING, (None, 0))
        fresh = until > timezone.now().timestamp()
        user = User.objects.filter(pk=pk, is_active=True).first() if fresh else None
        if user is None:
            onwards = {self.redirect_field_name: self.get_redirect_url()}
            return redirect(f"{reverse('login')}?{urlencode(onwards)}")
        self.user = user
        return super().dispatch(request, *args, **kwargs)

    def get_default_redirect_url(self) -> str:
        return reverse("live")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(next=self.get_redirect_url(), **kwargs)

    def form_valid(self, form: CodeForm) -> HttpResponse:
        name = self.user.get_username()
        if (locked := self.locked(form, name)) is not None:
            return locked
        if code_holds(self.user, form.cleaned_data["code"]):
            del self.request.session[PENDING]
            sign_in(self.request, self.user)
            return HttpResponseRedirect(self.get_success_url())
        note_failure(self.request, name)
        form.add_error("code", _("This code is wrong, or was used already. Wait for the next one."))
        return self.locked(form, name) or self.form_invalid(form)


def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """Lead whoever the admin turned away to the sign-in page, or say that it is not for them."""
    if request.user.is_authenticated and not request.user.is_staff:
        raise PermissionDenied
    onwards = {"next": request.GET.get("next") or reverse("admin:index")}
    return redirect(f"{reverse('login')}?{urlencode(onwards)}")
