"""One row of everything and everybody, for tests that go through all routes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker, Settings

from anpr_project.tests.access.principals import World, make_world


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """One set-up for all tests of a module, taken back at the end."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_world()
        transaction.set_rollback(True)


@pytest.fixture
def pictures_of_the_world(world: World, upload_dir: Path, settings: Settings) -> None:
    settings.UPLOAD_DIR = world.pictures
