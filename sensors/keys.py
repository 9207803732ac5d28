"""API keys of sensors: `anpr_sk_<id>_<secret>`, 256 bits of which only the SHA-256 is stored.

A slow password hash would add nothing to a random secret of this length, and cost each event.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

PREFIX = "anpr_sk"


@dataclass(frozen=True)
class NewKey:
    text: str
    key_id: str
    digest: str


def make_key() -> NewKey:
    key_id, secret = secrets.token_hex(6), secrets.token_hex(32)
    return NewKey(text=f"{PREFIX}_{key_id}_{secret}", key_id=key_id, digest=digest(secret))


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def split_key(text: str) -> tuple[str, str] | None:
    """Return the id and the secret of a key, or None for what cannot be one."""
    parts = text.removeprefix(f"{PREFIX}_").split("_")
    if not text.startswith(f"{PREFIX}_") or len(parts) != 2 or not all(parts):
        return None
    return parts[0], parts[1]
