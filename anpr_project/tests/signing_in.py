"""What tests of signing in share: a user with an authenticator, and its codes."""

from __future__ import annotations

from base64 import b32decode
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import TOTP

from anpr_project.lib.tests.factories import PASSWORD, make_user
from anpr_project.models import Authenticator


def code_of(secret: str, *, later: int = 0) -> str:
    """Return what the app shows now, or `later` steps later."""
    totp = TOTP(b32decode(secret), drift=later)
    return f"{totp.token():06d}"


def with_authenticator(user: User | None = None, **fields: Any) -> tuple[User, str]:
    """Return a user with a confirmed authenticator, and its secret."""
    user = user or make_user(**fields)
    device = Authenticator.prepare_for(user)
    device.confirmed = True
    device.save()
    return user, device.secret


def enter(client: Client, user: User, password: str = PASSWORD, **headers: str) -> Any:
    """Send the sign-in form."""
    form = {"username": user.username, "password": password}
    return client.post("/login", form, headers=headers)


def browser_of(user: User, **headers: str) -> Client:
    """Return a client that signed in through the page."""
    client = Client()
    answer = enter(client, user, **headers)
    assert answer.status_code == 302, answer.content
    return client
