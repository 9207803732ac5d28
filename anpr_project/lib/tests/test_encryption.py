from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.db import connection

from anpr_project.lib.encryption import EncryptedTextField, fernet

FIELD: Any = EncryptedTextField()
OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))


def read(stored: str | None) -> str:
    return str(FIELD.from_db_value(stored, None, connection))


@pytest.fixture(autouse=True)
def old_key(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [OLD]


@pytest.mark.parametrize("text", ["secret", "ünïcödé 粤", "x" * 10_000])
def test_text_is_stored_unreadable_and_read_back(text: str) -> None:
    stored = FIELD.get_prep_value(text)
    assert text not in stored
    assert read(stored) == text
    assert FIELD.get_prep_value(text) != stored  # equal secrets do not look equal


@pytest.mark.parametrize("empty", ["", None])
def test_nothing_stays_nothing(empty: str | None) -> None:
    assert FIELD.get_prep_value(empty) == ""
    assert read(empty) == ""


def test_new_key_in_front_reads_the_old_and_writes_the_new(settings: Any) -> None:
    stored = FIELD.get_prep_value("secret")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert read(stored) == "secret"
    rewritten = FIELD.get_prep_value("secret")
    assert Fernet(NEW).decrypt(rewritten) == b"secret"
    with pytest.raises(InvalidToken):
        Fernet(OLD).decrypt(rewritten)
    settings.ENCRYPTION_KEYS = [NEW]
    assert read(rewritten) == "secret"
    assert read(stored) == ""


@pytest.mark.parametrize("stored", ["secret", "gAAAAA", "ünïcödé", "=" * 100])
def test_what_no_key_opens_reads_as_empty(stored: str) -> None:
    assert read(stored) == ""


def test_changed_value_reads_as_empty(settings: Any) -> None:
    stored = FIELD.get_prep_value("secret")
    assert read(stored[:-4] + ("AAA=" if not stored.endswith("AAA=") else "BBB=")) == ""
    settings.ENCRYPTION_KEYS = [OTHER]
    assert read(stored) == ""


def test_keys_are_those_of_the_settings() -> None:
    assert isinstance(fernet(), MultiFernet)
    assert Fernet(OLD).decrypt(fernet().encrypt(b"x")) == b"x"
