"""Small makers of rows for tests; each takes only what a test cares about."""

from __future__ import annotations

from typing import Any

from anpr_project.lib.tests.factories import numbers
from cameras.models import Camera
from zones.models import Zone


def make_camera(*zones: Zone, **fields: Any) -> Camera:
    camera = Camera.objects.create(**{"name": f"Camera {next(numbers)}"} | fields)
    camera.zones.set(zones)
    return camera
