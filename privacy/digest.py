"""Digests of plates: what stays known of an erased plate without being readable."""

from __future__ import annotations

import hashlib

from django.conf import settings

PERSON = b"anpr-plate/1"


def digests(plate: str) -> list[str]:
    """Return the digest of a normalised plate by each of the ENCRYPTION_KEYS, the one in use first.

    With a key: there are so few plates that a plain hash of each could be tried in minutes.
    """
    return [
        hashlib.blake2b(
            plate.encode(), digest_size=16, key=key.encode()[:64], person=PERSON
        ).hexdigest()
        for key in settings.ENCRYPTION_KEYS
    ]


def plate_digest(plate: str) -> str:
    return digests(plate)[0]
