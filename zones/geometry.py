"""GeoJSON areas (RFC 7946, Polygon and MultiPolygon), checked."""

from __future__ import annotations

import math
from typing import Any

from django.core.exceptions import ValidationError

MAX_POINTS = 10_000
# Per space: the largest absolute x and y, and the smallest ones.
LIMITS = {"map": ((-180.0, 180.0), (-90.0, 90.0)), "image": ((0.0, 1.0), (0.0, 1.0))}
NAMES = {"map": ("longitude", "latitude"), "image": ("x", "y")}


def _fail(where: str, problem: str) -> ValidationError:
    return ValidationError(f"{where}: {problem}", code="geometry")


def _check_point(point: Any, space: str, where: str) -> None:
    if not isinstance(point, list) or len(point) != 2:
        raise _fail(where, "expected a position of two numbers")
    for value, (low, high), name in zip(point, LIMITS[space], NAMES[space], strict=True):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise _fail(where, f"{name} is not a number")
        if not math.isfinite(value) or not low <= value <= high:
            raise _fail(where, f"{name} {value} is outside {low:g} to {high:g}")


def _check_ring(ring: Any, space: str, where: str) -> int:
    if not isinstance(ring, list) or len(ring) < 4:
        raise _fail(where, "a ring needs at least four positions, the last one equal to the first")
    if len(ring) > MAX_POINTS:
        raise _fail(where, f"more than {MAX_POINTS} positions")
    for index, point in enumerate(ring):
        _check_point(point, space, f"{where}, position {index}")
    if ring[0] != ring[-1]:
        raise _fail(where, "the ring is open: its last position must equal its first")
    return len(ring)


def _check_polygon(rings: Any, space: str, where: str) -> int:
    if not isinstance(rings, list) or not rings:
        raise _fail(f"{where}coordinates", "expected a list of rings")
    return sum(
        _check_ring(ring, space, f"{where}ring {number}") for number, ring in enumerate(rings)
    )


def validate_geometry(value: Any, space: str) -> None:
    """Refuse what is not a closed, valid area within the limits of `space`, and say where."""
    if not isinstance(value, dict) or value.get("type") not in ("Polygon", "MultiPolygon"):
        raise ValidationError("Expected a GeoJSON Polygon or MultiPolygon.", code="geometry")
    coordinates = value.get("coordinates")
    if value["type"] == "Polygon":
        points = _check_polygon(coordinates, space, "")
    else:
        if not isinstance(coordinates, list) or not coordinates:
            raise _fail("coordinates", "expected a list of polygons")
        points = sum(
            _check_polygon(rings, space, f"polygon {number}, ")
            for number, rings in enumerate(coordinates)
        )
    if points > MAX_POINTS:
        raise ValidationError(f"More than {MAX_POINTS} positions.", code="geometry")
    from zones.areas import why_invalid  # late: most processes never judge an area

    if reason := why_invalid(value):
        raise ValidationError(f"The area is not valid: {reason}", code="geometry")
