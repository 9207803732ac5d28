"""The installation's own key: made once, printed, rotated, and what happens when it is lost."""

from __future__ import annotations

import io
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from pytest_django import Settings
from rest_framework.test import APIClient

from audit.models import Action, AuditEntry, Channel
from events.tests.rows import make_event
from evidence.models import SigningKey
from evidence.verify_evidence import problems_of

pytestmark = pytest.mark.django_db


def said(name: str, *arguments: Any, **options: Any) -> str:
    output = StringIO()
    call_command(name, *arguments, stdout=output, **options)
    return output.getvalue()


@pytest.mark.main_path
def test_there_is_one_key_however_often_it_is_asked_for(api: APIClient) -> None:
    [first] = api.get("/api/v1/evidence/keys").json()
    assert first["public_key"] in said("evidence_keys")
    assert [first] == api.get("/api/v1/evidence/keys").json()
    with pytest.raises(IntegrityError), transaction.atomic():
        SigningKey._make()


def test_a_key_made_by_another_process_meanwhile_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = SigningKey.current()
    nothing_yet = iter([SigningKey.objects.none()])
    look = SigningKey.objects.filter
    monkeypatch.setattr(
        SigningKey.objects, "filter", lambda **options: next(nothing_yet, look(**options))
    )
    assert SigningKey.current() == theirs


@pytest.mark.main_path
def test_rotation_keeps_the_old_public_key_and_forgets_the_private_one(
    api: APIClient, tmp_path: Path
) -> None:
    event = make_event()
    said("make_evidence", event.pk, output=tmp_path / "old.zip")
    old = SigningKey.current()
    said("evidence_keys", "--rotate")
    said("make_evidence", event.pk, output=tmp_path / "new.zip")
    keys = [bytes.fromhex(key["public_key"]) for key in api.get("/api/v1/evidence/keys").json()]
    assert len(keys) == 2
    for name in ("old.zip", "new.zip"):
        assert problems_of(io.BytesIO((tmp_path / name).read_bytes()), keys)[0] == []
    assert problems_of(io.BytesIO((tmp_path / "old.zip").read_bytes()), keys[:1])[0] != []
    old.refresh_from_db()
    assert (old.private_key, old.retired_at is None) == ("", False)


def test_the_private_key_is_encrypted_at_rest_and_told_nowhere(api: APIClient) -> None:
    private = SigningKey.current().private_key
    assert len(private) == 64
    with connection.cursor() as cursor:
        cursor.execute("SELECT private_key FROM evidence_signingkey")
        assert private not in str(cursor.fetchall())
    assert private not in api.get("/api/v1/evidence/keys").content.decode()
    assert private not in said("evidence_keys")


def test_a_key_that_cannot_be_opened_is_said_and_nothing_is_written_down(
    api: APIClient, tmp_path: Path
) -> None:
    event = make_event()
    SigningKey.current()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE evidence_signingkey SET private_key = 'gAAAAno'")
    answer = api.get(f"/api/v1/events/evidence?event={event.pk}")
    assert answer.status_code == 503
    assert "--rotate" in answer.json()["message"]
    with pytest.raises(CommandError, match="ENCRYPTION_KEYS"):
        said("make_evidence", event.pk, output=tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.main_path
def test_the_command_writes_a_package_and_who_ran_it(tmp_path: Path) -> None:
    event = make_event(plate="AB12 CDE")
    file = tmp_path / "a.zip"
    told = said("make_evidence", query="plate=AB*", reason="case 4", output=file)
    assert "1 events, signed with key" in told
    assert file.stat().st_mode & 0o777 == 0o600
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.channel, entry.reason) == (
        Action.EVIDENCE,
        Channel.COMMAND,
        "case 4",
    )
    assert entry.actor
    assert entry.subject == {"event": event.pk, "file": "a.zip"}


def test_the_command_refuses_in_words(tmp_path: Path, settings: Settings) -> None:
    event, file = make_event(), tmp_path / "a.zip"
    for arguments, options, words in (
        ((), {}, "Say which events"),
        ((event.pk + 1,), {}, "no such event"),
        ((), {"query": "plate=*"}, "at least one letter"),
        ((event.pk,), {"reason": "x"}, "Expected a reason"),
    ):
        with pytest.raises(CommandError, match=words):
            said("make_evidence", *arguments, output=file, **options)
    file.write_text("there")
    with pytest.raises(CommandError, match="exists already"):
        said("make_evidence", event.pk, output=file)
    settings.REQUIRE_SEARCH_REASON = True
    with pytest.raises(CommandError, match="demands it"):
        said("make_evidence", event.pk, output=tmp_path / "b.zip")
    assert not AuditEntry.objects.exists()


def test_the_command_says_when_a_package_is_not_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = make_event()
    monkeypatch.setattr("evidence.archive.MOST_BYTES", 10)
    monkeypatch.setattr("evidence.package._original", lambda name: b"picture")
    with pytest.raises(CommandError, match="not whole"):
        said("make_evidence", event.pk, output=tmp_path / "a.zip")
