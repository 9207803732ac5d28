"""Small makers of rows for tests; each takes only what a test cares about."""

from __future__ import annotations

from typing import Any

from anpr_project.lib.tests.factories import numbers
from zones.models import Zone

SQUARE = {
    "type": "Polygon",
    "coordinates": [[[0.0, 0.0], [0.5, 0.0], [0.5, 0.5], [0.0, 0.5], [0.0, 0.0]]],
}


def make_zone(**fields: Any) -> Zone:
    defaults = {
        "name": f"Zone {next(numbers)}",
        "zone_type": "detection",
        "space": "map",
        "geometry": SQUARE,
    }
    return Zone.objects.create(**defaults | fields)
