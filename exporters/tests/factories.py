"""Small makers of rows for tests; each takes only what a test cares about."""

from __future__ import annotations

import json
from typing import Any

from anpr_project.lib.tests.factories import numbers
from events.models import PlateEvent
from exporters.models import Delivery, ExporterConfig

# A public address to which nothing is sent: tests that send use one on loopback.
PUBLIC = "https://8.8.8.8/plates"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def body(**fields: Any) -> dict[str, Any]:
    """A body of the exporters' API."""
    return {
        "name": f"exporter {next(numbers):05}",
        "exporter_type": "webhook",
        "config": {"url": PUBLIC},
        "auth": {"type": "none"},
        "retry": {"max_attempts": 3},
        "filters": {"plates": ["AB*"], "min_confidence": 0.5},
        "ordered": False,
    } | fields


def make_exporter(auth: dict[str, Any] | None = None, **fields: Any) -> ExporterConfig:
    defaults = {
        "name": f"exporter {next(numbers):05}",
        "exporter_type": "webhook",
        "config": {"url": PUBLIC},
        "auth": json.dumps(auth or {"type": "none"}),
    }
    return ExporterConfig.objects.create(**defaults | fields)


def address(exporter: ExporterConfig, action: str) -> str:
    return f"/api/v1/exporters/{exporter.pk}/{action}"


def make_delivery(exporter: ExporterConfig, event: PlateEvent, **fields: Any) -> Delivery:
    camera = event.camera_id or 0
    return Delivery.objects.create(exporter=exporter, event=event, camera=camera, **fields)
