"""Sign in with a name and a password."""

from __future__ import annotations

from django.contrib.auth.views import LoginView


class SignInView(LoginView):
    """For everybody with an account; the admin's own page admits staff only."""

    template_name = "login.html"
    redirect_authenticated_user = True
