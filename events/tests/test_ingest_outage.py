"""A sensor that cannot even be recognised, because the database is away, is told to come again."""

from __future__ import annotations

import json

import pytest
from django.db import OperationalError

from events import views
from events.tests.conftest import Sender
from events.tests.factories import reading

pytestmark = pytest.mark.django_db


def away(*_: object) -> None:
    raise OperationalError("couldn't get a connection after 4.00 sec")


@pytest.mark.parametrize("path", ["/api/v1/events/ingest", "/api/v1/events/ingest/batch"])
def test_sensor_is_told_to_come_again(
    sender: Sender, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(views, "admitted", away)
    response = sender.post(json.dumps(reading()), path=path)
    assert response.status_code == 503
    assert response["Retry-After"]
