"""Writes down looks and changes before the answer leaves: what cannot be written is not shown."""

from __future__ import annotations

from collections.abc import Mapping
from getpass import getuser
from typing import Any

import msgspec
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.request import Request

from anpr_project.lib.client_address import client_address
from anpr_project.lib.json_format import encode
from anpr_project.lib.reasons import HEADER, reason_given
from audit.models import Action, AuditEntry, Channel

AnyRequest = HttpRequest | Request


def channel_of(request: AnyRequest) -> Channel:
    if not request.user.is_authenticated:
        return Channel.LINK
    return Channel.SESSION if getattr(request, "auth", None) is None else Channel.TOKEN


def reason_of(request: AnyRequest) -> str:
    """Return why this request looks; FieldError if it must say so and does not."""
    channel = channel_of(request)
    if channel is Channel.LINK:
        return ""
    # Programs have no session, and looking for one would be a query.
    session = request.session if channel is Channel.SESSION else None
    return reason_given(request.headers.get(HEADER), session)


def _storable(subject: Mapping[str, Any]) -> Any:
    """Return the subject as JSON that both databases take: PostgreSQL knows no NUL in it."""
    return msgspec.json.decode(encode(subject).replace(rb"\u0000", rb"\ufffd"))


def write_down(
    request: AnyRequest,
    action: Action,
    subject: Mapping[str, Any],
    *,
    reason: str = "",
    found: int | None = None,
) -> None:
    """Store who did what, when, from where and why. The subject must hold no secret."""
    user = request.user
    AuditEntry.objects.create(
        at=timezone.now(),
        actor_id=user.pk,
        actor=user.get_username(),
        channel=channel_of(request),
        address=client_address(request) or "",
        action=action,
        subject=_storable(subject),
        reason=reason,
        found=found,
    )


def write_down_command(
    action: Action, subject: Mapping[str, Any], *, reason: str = "", found: int | None = None
) -> str:
    """Store what somebody did on the server itself, under the name of their account there."""
    name = getuser()[:150]
    AuditEntry.objects.create(
        at=timezone.now(),
        actor=name,
        channel=Channel.COMMAND,
        action=action,
        subject=_storable(subject),
        reason=reason,
        found=found,
    )
    return name


def identity(row: Model) -> dict[str, Any]:
    """Return what tells a row of the configuration from others, also when it is gone."""
    return {"entity": str(row._meta.verbose_name), "id": row.pk, "name": str(row)}
