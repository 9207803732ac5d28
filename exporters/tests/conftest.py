"""What all tests of this app share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from anpr_project.lib.tests.factories import numbers
from exporters.tests.sinks import Sink
from exporters.tests.webhooks import Webhooks


@pytest.fixture(autouse=True)
def own_cache(settings: Settings) -> None:
    """Test processes share one Redis, and their users the same ids."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": f"test {next(numbers)}",
        }
    }


@pytest.fixture
def sink(db: None, settings: Settings) -> Iterator[Sink]:
    """A receiver of webhooks that exporters may reach."""
    settings.EXPORT_ALLOW_NETWORKS = ["127.0.0.0/8"]
    with Sink() as running:
        yield running


@pytest.fixture
def webhook() -> Iterator[Webhooks]:
    """Call it with a URL for a webhook exporter that may reach loopback."""
    webhooks = Webhooks()
    yield webhooks
    for each in webhooks.made:
        each.close()
