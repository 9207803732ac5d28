from __future__ import annotations

import subprocess
from pathlib import Path
from threading import Barrier, Thread

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from anpr_project import start
from anpr_project.lib.tests.factories import make_user
from anpr_project.start import create_first_admin, migrate, refuse_unusable_uploads
from anpr_project.tests.running import environment, manage


@pytest.fixture(autouse=True)
def no_names_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DJANGO_SUPERUSER_USERNAME", "DJANGO_SUPERUSER_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.main_path
@pytest.mark.django_db
def test_password_is_made_and_told_when_asked_for() -> None:
    told = create_first_admin(generate_password=True)
    user = User.objects.get()
    assert (user.username, user.is_superuser, user.is_staff) == ("admin", True, True)
    assert user.check_password(told.split()[-1])
    assert create_first_admin(generate_password=True) == ""
    assert User.objects.count() == 1


@pytest.mark.django_db
def test_name_and_password_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_USERNAME", "operator")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct horse battery")
    told = create_first_admin(generate_password=False)
    assert User.objects.get(username="operator").check_password("correct horse battery")
    assert "correct horse battery" not in told


@pytest.mark.django_db
def test_without_a_password_nobody_is_made_and_the_way_is_told() -> None:
    assert "createsuperuser" in create_first_admin(generate_password=False)
    assert not User.objects.exists()


@pytest.mark.django_db
def test_existing_user_of_that_name_is_left_alone() -> None:
    user = make_user("admin")
    told = create_first_admin(generate_password=True)
    user.refresh_from_db()
    assert "belongs to another user" in told
    assert not user.is_superuser


@pytest.mark.django_db
def test_a_name_that_the_console_would_refuse_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_USERNAME", "first administrator")
    with pytest.raises(
        CommandError, match=r"^DJANGO_SUPERUSER_USERNAME='first administrator' is wrong"
    ):
        create_first_admin(generate_password=True)
    assert not User.objects.exists()


def test_an_upload_folder_is_made_and_one_that_cannot_be_is_named(
    settings: Settings, tmp_path: Path
) -> None:
    settings.UPLOAD_DIR = tmp_path / "new" / "uploads"
    refuse_unusable_uploads()
    assert settings.UPLOAD_DIR.is_dir()

    settings.UPLOAD_DIR = tmp_path / "file"
    settings.UPLOAD_DIR.touch()
    with pytest.raises(CommandError, match=r"^UPLOAD_DIR='.*/file' is wrong: expected a folder"):
        refuse_unusable_uploads()

    settings.S3_BUCKET = "pictures"
    refuse_unusable_uploads()


def test_one_port_for_two_processes_is_named(settings: Settings) -> None:
    settings.POSTGRES_SERVER = settings.REDIS_HOST = "127.0.0.1"
    settings.STREAM_PORT = settings.PORT
    with pytest.raises(CommandError, match="STREAM_PORT"):
        call_command("serve")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="the lock is PostgreSQL's")
@pytest.mark.django_db(transaction=True)
def test_only_one_process_prepares_the_database_at_a_time() -> None:
    inside: list[str] = []
    both_started = Barrier(2)

    def other() -> None:
        try:
            both_started.wait()
            with start._alone():
                inside.append("other")
        finally:
            connection.close()

    thread = Thread(target=other)
    thread.start()
    with start._alone():
        both_started.wait()
        thread.join(timeout=0.5)
        assert inside == []
    thread.join(timeout=30)
    assert inside == ["other"]
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("15s",)


@pytest.mark.django_db
def test_start_without_anything_to_migrate_leaves_the_tables_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unwanted(*args: object, **options: object) -> None:
        raise AssertionError("migrated")

    monkeypatch.setattr(start, "call_command", unwanted)
    migrate()


def test_traffic_for_a_server_whose_database_is_elsewhere_ends_with_one_line(
    live_server: LiveServer, tmp_path: Path
) -> None:
    ended = subprocess.run(
        manage("simulate", "--url", live_server.url, "--count", "1"),
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert "give the DATA_DIR or POSTGRES_SERVER with which it runs" in ended.stderr
    assert "Traceback" not in ended.stderr
