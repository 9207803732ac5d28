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

from anpr_project.lib.second_factor import lacks_second_factor

SCHEME = b"token"
# What knox makes is 64 hex digits; anything else needs no look at the database.
SHAPE = re.compile(rb"[0-9a-f]{64}")
# Written out: every request of a program asks this, and to compose it took longer than to answer it.
OWNER = """
    SELECT person.* FROM knox_authtoken token JOIN auth_user person ON person.id = token.user_id
    WHERE token.digest = %s AND (token.expiry IS NULL OR token.expiry > %s) AND person.is_active
"""


def live_token(raw: bytes) -> Any | None:
    """Return the unexpired token of an active user that `raw` is (knox has no types), or None.

    Of the token itself only the digest is loaded, which is enough to delete it.
    """
    if not SHAPE.fullmatch(raw):
        return None
    digest = hash_token(raw.decode())
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    user = next(iter(User.objects.raw(OWNER, [digest, now])), None)
    if user is None or lacks_second_factor(user):
        return None
    return AuthToken(digest=digest, user=user)


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
