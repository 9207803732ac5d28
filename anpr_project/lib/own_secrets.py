"""Secrets that an installation makes for itself when the environment gives none."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet

FILE_NAME = "secrets.json"


def load_or_create(directory: Path) -> dict[str, str]:
    """Return the secrets kept in `directory`, made at the first start and readable by the owner only."""
    path = directory / FILE_NAME
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        pass
    directory.mkdir(parents=True, exist_ok=True)
    made = {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    }
    temporary = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(made, file)
        file.flush()
        os.fsync(file.fileno())
    try:
        # link, not rename: when two processes start at once, the first one's secrets win for both.
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    return dict(json.loads(path.read_text()))
