"""How people and programs show who they are: `Authorization: Token <token>`.

The tokens are knox's (random, stored hashed, expiring); only the lookup is ours: by digest, which
is the primary key, so it is one query and no text from outside reaches the database.
"""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from knox.auth import TokenAuthentication as KnoxTokenAuthentication
from knox.crypto import hash_token
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed

from anpr_project.lib.permissions_backend import PERMISSIONS, remember_permissions
from anpr_project.lib.second_factor import lacks_second_factor
from anpr_project.lib.statements import planned_once

SCHEME = b"token"
# What knox makes is 64 hex digits; anything else needs no look at the database.
SHAPE = re.compile(rb"[0-9a-f]{64}")
# What a request needs of its user; a field that is not here is loaded when somebody asks for it.
NEEDED = {"id", "username", "is_staff", "is_active", "is_superuser"}
# In the model's order, which is that of from_db().
FIELDS = [field.attname for field in User._meta.concrete_fields if field.attname in NEEDED]
# Written out, with what the user may do: every request of a program asks this, and to compose it
# took longer than to answer it.
OWNER = f"""
    WITH holder AS (
        SELECT user_id FROM knox_authtoken
        WHERE digest = %s AND (expiry IS NULL OR expiry > %s)
    )
    SELECT {", ".join(f"person.{name}" for name in FIELDS)}, given.name
    FROM auth_user person
    LEFT JOIN ({PERMISSIONS.format(user="(SELECT user_id FROM holder)")}) given ON true
    WHERE person.id = (SELECT user_id FROM holder) AND person.is_active
"""  # noqa: S608 - constants


def live_token(raw: bytes) -> Any | None:
    """Return the unexpired token of an active user that `raw` is (knox has no types), or None.

    Of the token itself only the digest is loaded, which is enough to delete it.
    """
    if not SHAPE.fullmatch(raw):
        return None
    digest = hash_token(raw.decode())
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with planned_once() as cursor:
        cursor.execute(OWNER, [digest, now])
        rows = cursor.fetchall()
    if not rows:
        return None
    user = User.from_db(connection.alias, FIELDS, rows[0][:-1])
    remember_permissions(user, {name for *_, name in rows if name})
    return None if lacks_second_factor(user) else AuthToken(digest=digest, user=user)


def user_of_token(authorization: bytes) -> User | None:
    """Return whose live token an Authorization header holds; for sockets, which know no DRF."""
    scheme, _, raw = authorization.strip().partition(b" ")
    token = live_token(raw.strip()) if scheme.lower() == SCHEME else None
    return None if token is None else token.user


class TokenAuthentication(KnoxTokenAuthentication):  # type: ignore[misc]  # knox has no types
    def authenticate_credentials(self, token: bytes) -> tuple[User, Any]:
        found = live_token(token)
        if found is None:
            # One message for every cause: it must not tell which tokens once lived.
            raise AuthenticationFailed("This token is not valid, or no longer.")
        return found.user, found
