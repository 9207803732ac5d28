"""Writes down looks and changes before the answer leaves: what cannot be written is not shown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from getpass import getuser
from typing import Any

import msgspec
from django.db import connection, transaction
from django.db.models import Field, Model
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.request import Request

from anpr_project.lib.client_address import client_address
from anpr_project.lib.json_format import encode
from anpr_project.lib.reasons import HEADER, reason_given
from anpr_project.lib.statements import planned_once
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


@cache
def _statement() -> tuple[list[Field[Any, Any]], str]:
    fields = [field for field in AuditEntry._meta.local_concrete_fields if not field.primary_key]
    columns, places = ", ".join(f.attname for f in fields), ", ".join("%s" for _ in fields)
    table = AuditEntry._meta.db_table
    return fields, f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608 - our names


def _insert(entry: AuditEntry) -> None:
    """Insert a new entry: every look does, and save() composes the statement anew each time."""
    fields, statement = _statement()
    values = [field.get_db_prep_save(getattr(entry, field.attname), connection) for field in fields]
    # As save() does: a transaction in which it failed is not to be committed.
    with transaction.mark_for_rollback_on_error(connection.alias), planned_once() as cursor:
        cursor.execute(statement, values)


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
    entry = AuditEntry(
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
    _insert(entry)


def write_down_command(
    action: Action, subject: Mapping[str, Any], *, reason: str = "", found: int | None = None
) -> str:
    """Store what somebody did on the server itself, under the name of their account there."""
    name = getuser()[:150]
    _write_down_own(name, action, subject, reason=reason, found=found)
    return name


def write_down_worker(action: Action, subject: Mapping[str, Any], *, reason: str) -> None:
    """Store what the worker did by itself."""
    _write_down_own("worker", action, subject, reason=reason, found=None)


def _write_down_own(
    actor: str, action: Action, subject: Mapping[str, Any], *, reason: str, found: int | None
) -> None:
    entry = AuditEntry(
        at=timezone.now(),
        actor=actor,
        channel=Channel.COMMAND,
        action=action,
        subject=_storable(subject),
        reason=reason,
        found=found,
    )
    _insert(entry)


def identity(row: Model) -> dict[str, Any]:
    """Return what tells a row of the configuration from others, also when it is gone."""
    return {"entity": str(row._meta.verbose_name), "id": row.pk, "name": str(row)}
