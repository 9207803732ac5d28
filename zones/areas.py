"""Areas that can be asked for points. Loads shapely, and with it numpy: 14 MB and 70 ms."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity


@lru_cache(maxsize=4096)
def _parse(text: str) -> BaseGeometry:
    area = shape(json.loads(text))
    shapely.prepare(area)
    return area


def parse(value: dict[str, Any]) -> BaseGeometry:
    """Return the prepared area; parsing is paid once for each distinct geometry."""
    return _parse(json.dumps({"type": value["type"], "coordinates": value["coordinates"]}))


def holds(value: dict[str, Any], x: float, y: float) -> bool:
    """Whether the area holds the point; its border counts as inside."""
    return bool(shapely.intersects_xy(parse(value), x, y))


def size(value: dict[str, Any]) -> float:
    """The area's size in square units of its space, to compare areas with."""
    return float(parse(value).area)


def why_invalid(value: dict[str, Any]) -> str:
    """Return the reason and the place, such as "Self-intersection[5 5]"; empty when it is valid."""
    area = parse(value)
    return "" if area.is_valid else explain_validity(area)
