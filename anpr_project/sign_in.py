"""Signing in, whoever asks: the password, the second factor, and the session that comes of it."""

from __future__ import annotations

import re
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from knox.models import AuthToken

from anpr_project.lib.client_address import client_address
from anpr_project.lib.sessions import IDLE, ORIGIN, stored_key
from anpr_project.models import CODE, Authenticator, RecoveryCode, Session

BACKEND = "anpr_project.lib.permissions_backend.PermissionsBackend"


def needs_code(user: User) -> bool:
    has_one: bool = Authenticator.objects.filter(user=user, confirmed=True).exists()
    return has_one


def code_holds(user: User, text: str) -> bool:
    """Take a code of the app, or a recovery code; each opens once."""
    code = re.sub(r"[\s-]", "", text).lower()
    if not CODE.fullmatch(code):
        return RecoveryCode.objects.spend(user, code)
    with transaction.atomic():
        devices = Authenticator.objects.select_for_update()
        device = devices.filter(user=user, confirmed=True).first()
        return device is not None and device.verify_token(code)


def sign_in(request: HttpRequest, user: User) -> None:
    """Open a session that ends after a shift, however much it is used."""
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    login(request, user, backend=BACKEND)
    now = timezone.now()
    request.session[ORIGIN] = {
        "address": client_address(request),
        "user_agent": request.headers.get("User-Agent", "")[:255],
        "signed_in_at": now.isoformat(),
    }
    request.session.set_expiry(now + timedelta(seconds=settings.SESSION_COOKIE_AGE))


def sessions_of(user: User) -> QuerySet[Session]:
    now = timezone.now()
    live = Session.objects.filter(user=user, expire_date__gt=now, last_used_at__gt=now - IDLE)
    return live.order_by("-last_used_at")


def end_all(user: User, *, but: HttpRequest | None = None) -> None:
    """End the user's sessions and tokens, except the session of this request."""
    kept = stored_key(but.session.session_key or "") if but is not None else None
    Session.objects.filter(user=user).exclude(session_key=kept).delete()
    AuthToken.objects.filter(user=user).delete()
