"""A sensor that may send, for the tests of this app."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from cameras.tests.factories import make_camera
from events.tests.factories import multipart
from sensors.credentials import Credential
from sensors.models import SensorKey, SensorSettings
from sensors.tests.factories import make_key, make_sensor

INGEST = "/api/v1/events/ingest"


@dataclass
class Sender:
    """A sensor with its key, and the ways it sends."""

    sensor: SensorSettings
    authorization: str
    client: Client

    @cached_property
    def credential(self) -> Credential:
        return Credential(SensorKey(sensor=self.sensor), zones=())

    def post(self, data: Any, content_type: str = "application/json", path: str = INGEST) -> Any:
        return self.client.post(
            path, data, content_type=content_type, headers={"Authorization": self.authorization}
        )

    def send(self, event: dict[str, Any] | str | bytes, **files: bytes) -> Any:
        return self.post(**multipart(event, **files))


@pytest.fixture
def sender(db: None) -> Sender:
    return make_sender()


def make_sender(**fields: Any) -> Sender:
    camera = fields.pop("camera", None) or make_camera(width=100, height=100)
    sensor = make_sensor(camera, **fields)
    return Sender(sensor, make_key(sensor), Client(raise_request_exception=True))


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
