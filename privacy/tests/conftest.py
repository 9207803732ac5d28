"""A plate that was seen, delivered and looked for, beside another one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from events.stream.dispatch import dispatch
from events.tests.conftest import Sender, make_sender
from events.tests.factories import picture, reading
from exporters.delivery import fan_out
from exporters.models import Delivery
from exporters.tests.factories import make_exporter

PLATE, OTHER = "AB12CDE", "XY34ZZZ"


@pytest.fixture
def sender(db: None) -> Sender:
    return make_sender()


def sent(sender: Sender, plate: str, days: int = 0, **files: bytes) -> dict[str, Any]:
    """Send a read with a tyre; return its body, to be sent again."""
    captured_at = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    body = reading(plate=plate, captured_at=captured_at, tpms=[{"id": "ff"}])
    assert sender.send(body, **files).status_code == 201
    return body


@pytest.fixture
def seen(sender: Sender) -> list[dict[str, Any]]:
    """Three events of the plate (one of them not dispatched) and one of another, with pictures."""
    exporter = make_exporter(name="Control room")
    bodies = [
        sent(sender, "ab 12-cde", days=40, frame=picture(), crop=picture()),
        sent(sender, PLATE, frame=picture()),
        sent(sender, OTHER, frame=picture(), crop=picture()),
    ]
    dispatch(fan_out)
    first = Delivery.objects.filter(exporter=exporter).order_by("id")[:1]
    Delivery.objects.filter(pk__in=[one.pk for one in first]).update(state="delivered")
    return [*bodies, sent(sender, PLATE)]
