from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from anpr_project.lib.tests.config_contract import ConfigContract, Entity, fields_of
from anpr_project.lib.tests.factories import numbers
from zones.models import Zone
from zones.tests.factories import SQUARE, make_zone

PATH = "/api/v1/config/zones"


def body(**fields: Any) -> dict[str, Any]:
    return {
        "name": f"zone {next(numbers):05}",
        "zone_type": "parking",
        "space": "map",
        "geometry": SQUARE,
        "capacity": 10,
    } | fields


@pytest.mark.main_path
class TestZones(ConfigContract):
    entity = Entity(
        path=PATH,
        model=Zone,
        body=body,
        texts=["name"],
        json_fields=["geometry"],
        change={"capacity": 12, "enabled": False},
        refused_queries=[
            ("zone_type=moon", "zone_type"),
            ("space=moon", "space"),
            ("space=", "space"),
        ],
    )


def test_geometry_is_checked_against_the_space_for_every_method(api: APIClient) -> None:
    outside = {"type": "Polygon", "coordinates": [[[0, 0], [20, 0], [20, 20], [0, 0]]]}
    response = api.post(PATH, body(space="image", geometry=outside))
    assert response.status_code == 400
    assert response.json()["errors"] == [
        {
            "field": "geometry",
            "code": "geometry",
            "message": "ring 0, position 1: x 20 is outside 0 to 1",
        }
    ]
    zone = make_zone(space="map", geometry=outside)
    for change in (
        api.patch(f"{PATH}/{zone.pk}", {"space": "image"}),
        api.put(f"{PATH}/{zone.pk}", body(space="image", geometry=outside)),
    ):
        assert change.status_code == 400
        assert fields_of(change) == {"geometry"}
    zone.refresh_from_db()
    assert zone.space == "map"


def test_only_parking_has_a_capacity_also_after_a_patch_of_the_other_field(api: APIClient) -> None:
    zone = make_zone(zone_type="parking", capacity=5)
    response = api.patch(f"{PATH}/{zone.pk}", {"zone_type": "detection"})
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "capacity"
    assert response.json()["errors"][0]["code"] == "capacity"
    both = api.patch(f"{PATH}/{zone.pk}", {"zone_type": "detection", "capacity": None})
    assert both.status_code == 200
    zone.refresh_from_db()
    assert (zone.zone_type, zone.capacity) == ("detection", None)


@pytest.mark.parametrize("query", ["zone_type=exclusion", "space=image"])
def test_filters_select(api: APIClient, query: str) -> None:
    make_zone()
    wanted = make_zone(zone_type="exclusion", space="image")
    found = api.get(f"{PATH}?{query}").json()["results"]
    assert [row["id"] for row in found] == [wanted.pk]
