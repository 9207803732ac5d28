"""Sessions in the database that know whose they are, end when idle, and are stored without their keys."""

from __future__ import annotations

import re
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.apps import apps
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

SHAPE = re.compile(r"[0-9a-z]{8,40}")
# An open live page counts as use: its stream looks at the session every half minute.
IDLE = timedelta(hours=1)
NOTE_USE_EVERY = timedelta(minutes=1)
# Where signing in leaves what it knew of the browser.
ORIGIN = "_origin"


def stored_key(session_key: str) -> str:
    """Return what stands in the table for a cookie: who reads a dump cannot use it."""
    return sha256(session_key.encode()).hexdigest()[:40]


class SessionStore(DatabaseStore):
    """Django's, but for the table, the digest in place of the key, and the end of what is idle."""

    @classmethod
    def get_model_class(cls) -> Any:
        # By name: the table is of the wiring, and imports go down.
        return apps.get_model("anpr_project", "Session")

    def _validate_session_key(self, key: str | None) -> bool:
        # A cookie may hold anything, even NUL, which PostgreSQL refuses with an error: a 500.
        return bool(key and SHAPE.fullmatch(key))

    def _get_session_from_db(self) -> Any:
        now = timezone.now()
        rows: Any = self.model._default_manager
        row = rows.filter(
            session_key=stored_key(self.session_key or ""),
            expire_date__gt=now,
            last_used_at__gt=now - IDLE,
        ).first()
        if row is None:
            self._session_key = None
        elif row.last_used_at < now - NOTE_USE_EVERY:
            # Not save(): an ended session must not come back.
            rows.filter(pk=row.pk).update(last_used_at=now)
        return row

    def exists(self, session_key: str) -> bool:
        return super().exists(stored_key(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        row: Any = super().create_model_instance(data)
        row.session_key = stored_key(row.session_key)
        row.user_id = data.get("_auth_user_id")
        for name, value in data.get(ORIGIN, {}).items():
            setattr(row, name, value)
        return row

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key:
            super().delete(stored_key(key))

    # Django's own would go past all of the above.
    aload, aexists = SessionBase.aload, SessionBase.aexists
    acreate, asave, adelete = SessionBase.acreate, SessionBase.asave, SessionBase.adelete
