"""After five failed tries a name is refused at that address for a quarter of an hour (django-axes)."""

from __future__ import annotations

import math

from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.db.models import Max
from django.http import HttpRequest
from django.utils import timezone

from anpr_project.lib.client_address import lock_out_address


def note_failure(request: HttpRequest, username: str) -> None:
    """Count a wrong code like a wrong password."""
    user_login_failed.send(__name__, credentials={"username": username}, request=request)


def locked_for(request: HttpRequest, username: str) -> int:
    """Return for how many more seconds the name is refused here; 0: it is not."""
    if not AxesProxyHandler.is_locked(request, {"username": username}):
        return 0
    tries = AccessAttempt.objects.filter(username=username, ip_address=lock_out_address(request))
    last = tries.aggregate(at=Max("attempt_time"))["at"] or timezone.now()
    ends = last + settings.AXES_COOLOFF_TIME
    return max(1, math.ceil((ends - timezone.now()).total_seconds()))
