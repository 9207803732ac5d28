from __future__ import annotations

import sys
import threading
from datetime import datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from audit.chain import GENESIS, Head, link_hash, seal_entries
from audit.models import Action, AuditEntry, Channel

needs_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="the triggers and locks are PostgreSQL's"
)


def look(number: int = 0) -> AuditEntry:
    return AuditEntry.objects.create(
        at=timezone.now(),
        actor="kim",
        channel=Channel.SESSION,
        action=Action.SEARCH,
        subject={"query": {"plate": [f"AB{number}"]}},
        reason="case 4711",
        found=number,
    )


def sealed(count: int) -> list[AuditEntry]:
    for number in range(count):
        look(number)
    seal_entries()
    return list(AuditEntry.objects.chained())


def tamper(sql: str, *parameters: str | datetime | int | None) -> None:
    """As somebody may who owns the database: with the trigger off."""
    table = "audit_auditentry"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER audit_entry_is_final")
            cursor.execute(sql, parameters)
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER audit_entry_is_final")
        else:
            cursor.execute("DROP TRIGGER IF EXISTS audit_entry_is_final")
            cursor.execute(sql, parameters)


@pytest.fixture(autouse=True)
def no_heads_of_others(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


def verify(*arguments: str) -> str:
    output = StringIO()
    call_command("verify_audit", *arguments, stdout=output, stderr=output)
    return output.getvalue()


def faults(*arguments: str) -> str:
    output = StringIO()
    with pytest.raises(CommandError, match="tampered"):
        call_command("verify_audit", *arguments, stdout=output, stderr=output)
    return output.getvalue()


@pytest.mark.main_path
@pytest.mark.django_db
def test_each_entry_covers_the_one_before() -> None:
    first, second = sealed(2)
    assert (first.sequence, first.previous_hash) == (1, GENESIS)
    assert (second.sequence, second.previous_hash) == (2, first.hash)
    assert second.hash == link_hash(second)
    look()
    told = verify()
    assert "2 entries are as they were written." in told
    assert "1 are not sealed yet" in told
    assert f"head 2:{second.hash}" in told
    assert seal_entries() == 1
    assert Head.current().sequence == 3


@pytest.mark.main_path
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("UPDATE audit_auditentry SET reason = 'none' WHERE sequence = 2", "entry 2: was altered"),
        ("UPDATE audit_auditentry SET found = 9 WHERE sequence = 3", "entry 3: was altered"),
        ("UPDATE audit_auditentry SET actor = 'lee' WHERE sequence = 1", "entry 1: was altered"),
        ("DELETE FROM audit_auditentry WHERE sequence = 2", "entry 2: missing up to 2"),
        ("DELETE FROM audit_auditentry WHERE sequence = 1", "entry 1: missing up to 1"),
    ],
)
def test_what_was_altered_or_removed_is_found(sql: str, problem: str) -> None:
    sealed(3)
    tamper(sql)
    assert problem in faults()


@pytest.mark.django_db
def test_exchanged_entries_are_found() -> None:
    first, second, _ = sealed(3)
    swap = "UPDATE audit_auditentry SET reason = %s, at = %s WHERE sequence = %s"
    tamper(swap, "other", second.at, first.sequence)
    tamper(swap, "other", first.at, second.sequence)
    assert "entry 1: was altered" in faults()


@pytest.mark.django_db
def test_a_chain_computed_anew_or_cut_differs_from_the_head_noted_down() -> None:
    entries = sealed(3)
    noted = f"3:{entries[-1].hash}"
    assert "as they were written" in verify("--head", noted)
    tamper("DELETE FROM audit_auditentry WHERE sequence = 3")
    assert "as they were written" in verify()
    assert "the end was cut off" in faults("--head", noted)
    look()
    seal_entries()
    assert "not the head that was noted down" in faults("--head", noted)
    with pytest.raises(CommandError, match="SEQUENCE:HASH"):
        verify("--head", "3:xyz")


@needs_postgresql
@pytest.mark.django_db
@pytest.mark.parametrize(
    "sql", ["UPDATE audit_auditentry SET found = 1", "DELETE FROM audit_auditentry"]
)
def test_the_database_refuses_to_change_an_entry(sql: str) -> None:
    look()  # not sealed yet: only sealing may touch it
    with pytest.raises(DatabaseError, match="final"), transaction.atomic():
        connection.cursor().execute(sql)


@pytest.mark.main_path
@pytest.mark.django_db
def test_a_sealed_entry_cannot_be_updated() -> None:
    sealed(1)
    with pytest.raises(DatabaseError, match="final"), transaction.atomic():
        AuditEntry.objects.update(reason="none")


@needs_postgresql
@pytest.mark.django_db(transaction=True)
def test_workers_side_by_side_make_one_chain() -> None:
    for number in range(60):
        look(number)

    def seal() -> None:
        try:
            while seal_entries():
                pass
        finally:
            connection.close()

    threads = [threading.Thread(target=seal) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "60 entries are as they were written." in verify()


@pytest.mark.django_db
def test_sealing_takes_as_long_for_each_of_many_as_for_each_of_few() -> None:
    """New events wait while the worker seals: after a thousand have opened a stream, for example."""

    def calls(count: int) -> int:
        for number in range(count):
            look(number)
        counted = 0

        def count_call(frame: object, event: str, argument: object) -> None:
            nonlocal counted
            counted += event == "call"

        sys.setprofile(count_call)
        try:
            assert seal_entries() == count
        finally:
            sys.setprofile(None)
        return counted

    calls(1)
    few, many = calls(10), calls(110)
    # 24; it was a thousand.
    assert (many - few) / 100 < 100
