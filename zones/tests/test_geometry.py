from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from zones.areas import holds
from zones.geometry import validate_geometry
from zones.tests.factories import SQUARE


def polygon(*ring: Sequence[float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [list(ring)]}


def test_valid_area_passes() -> None:
    validate_geometry(SQUARE, "image")
    validate_geometry({"type": "MultiPolygon", "coordinates": [SQUARE["coordinates"]]}, "map")


def test_border_counts_as_inside() -> None:
    assert holds(SQUARE, 0.5, 0.5)
    assert not holds(SQUARE, 0.51, 0.5)


@pytest.mark.parametrize(
    ("geometry", "where"),
    [
        (polygon([0, 0], [1, 0], [1, 1], [0, 1]), "ring 0: the ring is open"),
        (polygon([0, 0], [1, 1], [1, 0], [0, 1], [0, 0]), "Self-intersection[0.5 0.5]"),
        (polygon([0, 0], [1, 0], [2, 1], [0, 0]), "position 2: x 2 is outside 0 to 1"),
        (polygon([0, 0], [1, 0], [float("nan"), 1], [0, 0]), "position 2: x nan"),
        (polygon([0, 0], [1, 0, 3], [1, 1], [0, 0]), "position 1: expected a position"),
        (polygon([0, 0], [1, True], [1, 1], [0, 0]), "position 1: y is not a number"),
        (polygon([0, 0], [1, 0], [0, 0]), "ring 0: a ring needs at least four positions"),
        ({"type": "Point", "coordinates": [0, 0]}, "Polygon or MultiPolygon"),
        ({"type": "Polygon"}, "coordinates: expected a list of rings"),
        ({"type": "MultiPolygon", "coordinates": []}, "expected a list of polygons"),
        ([], "Polygon or MultiPolygon"),
        (polygon(*[[0, 0]] * 10_001), "more than 10000 positions"),
    ],
)
def test_wrong_area_is_refused_and_says_where(geometry: Any, where: str) -> None:
    with pytest.raises(ValidationError) as error:
        validate_geometry(geometry, "image")
    assert where in str(error.value)
