"""What all tests of this app share."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from anpr_project.lib.tests.factories import numbers


@pytest.fixture(autouse=True)
def own_cache(settings: Settings) -> None:
    """Test processes share one Redis, and their users the same ids."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": f"test {next(numbers)}",
        }
    }
