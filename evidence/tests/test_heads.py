"""Signed heads of the audit log: with them a cut at its end shows, and a chain computed anew."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from audit.chain import link_hash, seal_entries
from audit.models import Action, AuditEntry, Channel
from evidence.heads import FILE_NAME, keep_head
from evidence.models import SigningKey

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


def look(count: int = 1) -> None:
    for _ in range(count):
        AuditEntry.objects.create(
            at=timezone.now(), actor="kim", channel=Channel.SESSION, action=Action.SEARCH
        )


def sign() -> str:
    output = io.StringIO()
    call_command("sign_audit_head", stdout=output)
    return output.getvalue().strip()


def verify(**options: Any) -> str:
    output = io.StringIO()
    call_command("verify_audit", stdout=output, stderr=output, **options)
    return output.getvalue()


def faults(**options: Any) -> str:
    output = io.StringIO()
    with pytest.raises(CommandError, match="tampered"):
        call_command("verify_audit", stdout=output, stderr=output, **options)
    return output.getvalue()


def without_trigger(sql: str) -> None:
    """As somebody may who owns the database."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE audit_auditentry DISABLE TRIGGER audit_entry_is_final")
        else:
            cursor.execute("DROP TRIGGER IF EXISTS audit_entry_is_final")
        cursor.execute(sql)


@pytest.mark.main_path
def test_a_cut_at_the_end_is_found_also_when_the_chain_has_grown_again() -> None:
    look(4)
    sign()
    assert "1 signed heads agree, up to entry 4." in verify()
    without_trigger("DELETE FROM audit_auditentry WHERE sequence > 2")
    assert "entry 4: was the head once, and is gone" in faults()
    look(5)
    sign()
    assert "entry 4: is not the head that was noted down" in faults()


def test_a_chain_computed_anew_is_found() -> None:
    look(3)
    sign()
    without_trigger("SELECT 1")
    previous = ""
    for entry in AuditEntry.objects.chained():
        entry.actor, entry.previous_hash = "lee", previous or entry.previous_hash
        entry.hash = previous = link_hash(entry)
        entry.save()
    assert "3 entries" in verify(heads=[])
    assert faults().startswith("entry 3: is not the head that was noted down")


def test_a_head_that_somebody_else_signed_is_found(folder: Path) -> None:
    look()
    line = sign()
    theirs = line[:-1] + ("0" if line[-1] != "0" else "1")
    (folder / FILE_NAME).write_text(f"{theirs}\n")
    assert "has no signature of this installation" in faults()
    (folder / FILE_NAME).write_text(f"{line}\n")
    key = bytes.fromhex(SigningKey.current().public_key)
    # A key that was put into the database by whoever forged the file is none of those kept elsewhere.
    SigningKey.rotate()
    sign()
    assert "2 signed heads agree" in verify()
    assert "has no signature" in faults(key=[key])


def test_heads_are_read_from_any_log(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look(2)
    log = f'{{"event": "audit head", "head": "{sign()}", "logger": "evidence.heads"}}\n'
    (folder / FILE_NAME).unlink()
    assert "0 signed heads" in verify()
    monkeypatch.setattr(sys, "stdin", io.StringIO(log * 2))
    assert "2 signed heads agree" in verify(heads=[Path("-")])
    (folder / "worker.log").write_text(log)
    assert "1 signed heads agree" in verify(heads=[folder / "worker.log"])
    with pytest.raises(CommandError, match="cannot be read"):
        verify(heads=[folder / "nowhere.log"])
    with pytest.raises(CommandError, match="64 hex digits"):
        call_command("verify_audit", "--key", "x")


def test_the_head_of_an_empty_log_is_no_fault_later() -> None:
    sign()
    look()
    seal_entries()
    assert "1 signed heads agree, up to entry 0." in verify()


def test_what_cannot_be_kept_or_signed_is_logged(
    folder: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.DATA_DIR = folder / "nowhere"
    keep_head()
    assert "audit head is in the log alone" in caplog.text
    SigningKey.objects.update(private_key="")
    keep_head()
    assert "audit head is not signed" in caplog.text
