"""How people and programs show who they are: `Authorization: Token <token>`.

The tokens are knox's (random, stored hashed, expiring); only the lookup is ours: by digest, which
is the primary key, so it is one query and no text from outside reaches the database.
"""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone
from knox.auth import TokenAuthentication as KnoxTokenAuthentication
from knox.crypto import hash_token
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed

from anpr_project.lib.second_factor import lacks_second_factor

SCHEME = b"token"
# What knox makes is 64 hex digits; anything else needs no look at the database.
SHAPE = re.compile(rb"[0-9a-f]{64}")


def live_token(raw: bytes) -> Any | None:
    """Return the unexpired token of an active user that `raw` is (knox has no types), or None."""
    if not SHAPE.fullmatch(raw):
        return None
    unexpired = Q(expiry=None) | Q(expiry__gt=timezone.now())
    found = (
        AuthToken.objects.select_related("user")
        .filter(unexpired, digest=hash_token(raw.decode()), user__is_active=True)
        .first()
    )
    return None if found is None or lacks_second_factor(found.user) else found


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
