"""Fixtures that every app's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.db import connection
from pytest_django import DjangoDbBlocker, Settings
from rest_framework.test import APIClient
from whitenoise.middleware import WhiteNoiseMiddleware

from anpr_project.lib.tests.factories import make_user
from sensors.configuration_changes import changes

END_OTHER_SESSIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests that commit back what migrations made (roles, the stream's head) afterwards.

    Such a test ends by emptying all tables, which would take those rows from the tests after it.
    """
    for item in items:
        mark = item.get_closest_marker("django_db")
        kwargs = dict(mark.kwargs) if mark else {}
        fixtures = set(getattr(item, "fixturenames", ()))
        if kwargs.get("transaction") or fixtures & {"transactional_db", "live_server"}:
            kwargs |= {"transaction": True, "serialized_rollback": True}
            item.add_marker(pytest.mark.django_db(**kwargs), append=False)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let go of the test database before it is dropped, threads of tests included."""
    yield
    changes.stop()
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(END_OTHER_SESSIONS)


@pytest.fixture(autouse=True)
def upload_dir(settings: Settings, tmp_path: Path) -> Path:
    """A folder of its own for each test's pictures; whatever a test leaves in it can be asserted."""
    folder = tmp_path / "uploads"
    settings.UPLOAD_DIR = folder
    return folder


@pytest.fixture(autouse=True)
def quick_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same hasher, but a sign-in costs a millisecond instead of a third of a second."""
    monkeypatch.setattr(PBKDF2PasswordHasher, "iterations", 1000)


@pytest.fixture(scope="session", autouse=True)
def static_files_are_found_once() -> Iterator[None]:
    """Each test client makes the middleware anew, which then would list and stat all static files:
    four fifths of what a test costs that asks a few pages by as many clients.
    """
    found: dict[str, Any] = {}
    find = WhiteNoiseMiddleware.add_files_from_finders

    def add_files(self: Any) -> None:
        if not found:
            find(self)
            found.update(self.files)
        self.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", add_files)
        yield


@pytest.fixture
def admin_user(db: None) -> User:
    return make_user("admin", is_superuser=True, is_staff=True)


@pytest.fixture
def api(admin_user: User) -> APIClient:
    """An API client that may do everything."""
    client = APIClient()
    client.force_authenticate(admin_user)
    return client


@pytest.fixture
def anonymous() -> APIClient:
    return APIClient()
