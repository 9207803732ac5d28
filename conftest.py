"""Fixtures that every app's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings
from rest_framework.test import APIClient

from anpr_project.lib.tests.factories import make_user


@pytest.fixture(autouse=True)
def upload_dir(settings: Settings, tmp_path: Path) -> Path:
    """A folder of its own for each test's pictures; whatever a test leaves in it can be asserted."""
    folder = tmp_path / "uploads"
    settings.UPLOAD_DIR = folder
    return folder


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
