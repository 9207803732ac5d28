"""Secrets that an installation makes for itself when the environment gives none."""

from __future__ import annotations

import base64
import json
import os
import secrets
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

FILE_NAME = "secrets.json"
NAMES = ("SECRET_KEY", "ENCRYPTION_KEYS")
KEY_BYTES = 32


def new_encryption_key() -> str:
    """Return a fresh key of Fernet, whose library is loaded only where something is encrypted."""
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def is_encryption_key(text: str) -> bool:
    try:
        return len(base64.urlsafe_b64decode(text)) == KEY_BYTES
    except ValueError:
        return False


def load_or_create(directory: Path) -> dict[str, str]:
    """Return the secrets kept in `directory`, made at the first start and readable by the owner only."""
    path = directory / FILE_NAME
    try:
        if not path.exists():
            directory.mkdir(parents=True, exist_ok=True)
            _create(path)
        return _load(path)
    except OSError as error:
        raise ImproperlyConfigured(
            f"DATA_DIR={str(directory)!r} is wrong: expected a folder to write to ({error.strerror})"
        ) from None


def _load(path: Path) -> dict[str, str]:
    try:
        kept = json.loads(path.read_text())
        return {name: str(kept[name]) for name in NAMES}
    except (ValueError, KeyError, TypeError):
        raise ImproperlyConfigured(
            f"{path} is damaged: restore it from a backup. Without its keys the secrets in the "
            "database cannot be read, so no new file is made in its place."
        ) from None


def _create(path: Path) -> None:
    made = dict(zip(NAMES, (secrets.token_urlsafe(64), new_encryption_key()), strict=True))
    # mkstemp makes it readable by the owner only.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{FILE_NAME}-")
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
        Path(temporary).unlink()
