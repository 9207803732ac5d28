"""Links to pictures that work for a while without a login, for those who get events delivered."""

from __future__ import annotations

import re
from datetime import datetime

from django.core.signing import BadSignature, Signer

# Its own, so that no other signature of ours opens a picture.
SALT = "events.links.picture"
# As we write it: another spelling of the number is a changed link.
_seconds = re.compile(r"[1-9][0-9]{0,11}")


def _subject(event: int, kind: str, expires: int) -> str:
    return f"{event}.{kind}.{expires}"


def signed_path(event: int, kind: str, expires_at: datetime) -> str:
    """Return the path and query of one picture of one event, valid until `expires_at`."""
    expires = int(expires_at.timestamp())
    # Of letters that need no quoting.
    signature = Signer(salt=SALT).signature(_subject(event, kind, expires))
    return f"/api/v1/events/{event}/{kind}?expires={expires}&signature={signature}"


def is_valid(event: int, kind: str, *, expires: str, signature: str, now: datetime) -> bool:
    """Whether the link was made by us for this picture and has not expired."""
    if not _seconds.fullmatch(expires):
        return False
    try:
        # Compares in constant time.
        Signer(salt=SALT).unsign(f"{_subject(event, kind, int(expires))}:{signature}")
    except BadSignature:
        return False
    return now.timestamp() < int(expires)
