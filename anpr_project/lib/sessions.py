"""Sessions in the database, whose keys are checked before the database sees them."""

from __future__ import annotations

import re

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

SHAPE = re.compile(r"[0-9a-z]{8,40}")


class SessionStore(DatabaseStore):
    """A cookie may hold anything, even NUL, which PostgreSQL refuses with an error: a 500."""

    def _validate_session_key(self, key: str | None) -> bool:
        return bool(key and SHAPE.fullmatch(key))
