"""A small package that was made without a database."""

from __future__ import annotations

import hashlib
import json
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence.archive import Archive
from evidence.verify_evidence import MANIFEST, SIGNATURE, SIGNED_AS, key_id


class Made(NamedTuple):
    data: bytes
    public_key: bytes


def make_package(*, as_received: bool = True) -> Made:
    archive, frame = Archive(), b"PICTURE" * 20
    digest = hashlib.sha256(frame if as_received else b"").hexdigest()
    pictures = {
        "frame": {"file": "events/1/frame.jpg", "sha256_when_received": digest},
        "crop": {"file": None, "sha256_when_received": None},
    }
    data = archive.add("events/1/frame.jpg", frame)
    data += archive.add("events/1/record.json", json.dumps({"pictures": pictures}).encode())
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    files = [file._asdict() for file in archive.files]
    manifest = json.dumps({"key_id": key_id(public), "files": files}).encode()
    data += archive.add(MANIFEST, manifest)
    data += archive.add(SIGNATURE, private.sign(SIGNED_AS + manifest))
    return Made(data + archive.end(), public)
