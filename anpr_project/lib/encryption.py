"""A text column that is encrypted at rest with its own keys, not SECRET_KEY."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection, models

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet  # late: 7 MB, for who has secrets to open

    return MultiFernet([Fernet(key) for key in keys])


def fernet() -> MultiFernet:
    """The first key encrypts, all of them decrypt: put a new key in front to rotate."""
    return _fernet(tuple(settings.ENCRYPTION_KEYS))


def _opened(token: str) -> str:
    from cryptography.fernet import InvalidToken

    try:
        return fernet().decrypt(token.encode()).decode()
    except InvalidToken:
        return ""


class EncryptedTextField(models.TextField[str, str]):
    """Fernet (AES-128-CBC with HMAC-SHA256, github.com/fernet/spec) around a text.

    A value that none of the keys opens reads as the empty string, so that a lost key hides one
    secret instead of breaking every list that holds it.
    """

    def get_prep_value(self, value: Any) -> Any:
        if not value:
            return ""
        return fernet().encrypt(str(value).encode()).decode()

    def value_to_string(self, obj: models.Model) -> str:
        """A dump (`dumpdata`) holds what the database holds, not the secret."""
        return str(self.get_prep_value(self.value_from_object(obj)))

    def to_python(self, value: Any) -> Any:
        """Open what a dump holds. No secret of ours begins so: they are addresses, JSON, base 32."""
        if isinstance(value, str) and value.startswith("gAAAA"):
            return self.from_db_value(value, None, connection)
        return super().to_python(value)

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str:
        return _opened(value) if value else ""
