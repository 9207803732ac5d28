"""Small makers of rows for tests; each takes only what a test cares about."""

from __future__ import annotations

from typing import Any

from anpr_project.lib.tests.factories import numbers
from cameras.models import Camera
from cameras.tests.factories import make_camera
from sensors.models import SensorKey, SensorSettings


def make_sensor(camera: Camera | None = None, **fields: Any) -> SensorSettings:
    return SensorSettings.objects.create(
        **{"name": f"sensor-{next(numbers)}", "camera": camera or make_camera()} | fields
    )


def make_key(sensor: SensorSettings) -> str:
    """Return the Authorization header of a new key."""
    return f"Api-Key {SensorKey.create_for(sensor)[1]}"
