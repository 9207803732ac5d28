from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from anpr_project.lib.tests.config_contract import ConfigContract, Entity, fields_of
from anpr_project.lib.tests.factories import numbers
from cameras.models import Camera
from cameras.tests.factories import make_camera
from zones.models import Zone
from zones.tests.factories import make_zone

PATH = "/api/v1/config/cameras"


def body(**fields: Any) -> dict[str, Any]:
    return {
        "name": f"camera {next(numbers):05}",
        "rtsp_url": "rtsp://192.0.2.1/stream",
        "fps": 25.0,
        "width": 1920,
        "height": 1080,
        "latitude": 51.5,
        "longitude": -0.12,
        "heading": 90.0,
        "address": "1 High Street",
        "zones": [],
    } | fields


@pytest.mark.main_path
class TestCameras(ConfigContract):
    entity = Entity(
        path=PATH,
        model=Camera,
        body=body,
        texts=["name", "address", "rtsp_url"],
        related_many=["zones"],
        change={"address": "2 High Street", "enabled": False},
        refused_queries=[
            ("zone=abc", "zone"),
            (f"zone={10**30}", "zone"),
            ("zone=-1", "zone"),
            ("zone=1.5", "zone"),
        ],
        list_queries=3,
    )


def test_zones_are_set_replaced_and_kept(api: APIClient) -> None:
    first, second = make_zone(), make_zone()
    made = api.post(PATH, body(zones=[second.pk, first.pk, first.pk])).json()
    assert made["zones"] == [first.pk, second.pk]
    path = f"{PATH}/{made['id']}"
    assert api.patch(path, {"address": "elsewhere"}).json()["zones"] == [first.pk, second.pk]
    assert api.patch(path, {"zones": [second.pk]}).json()["zones"] == [second.pk]
    assert list(Camera.objects.get().zones.all()) == [second]
    assert api.patch(path, {"zones": []}).json()["zones"] == []


def test_unknown_zone_leaves_no_half_made_camera(api: APIClient) -> None:
    response = api.post(PATH, body(zones=[make_zone().pk, 999_999]))
    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] == "does_not_exist"
    assert not Camera.objects.exists()


def test_list_is_filtered_by_zone(api: APIClient) -> None:
    zone = make_zone()
    seeing = make_camera(zone)
    make_camera(make_zone())
    found = api.get(PATH, {"zone": zone.pk}).json()["results"]
    assert [row["id"] for row in found] == [seeing.pk]
    assert api.get(PATH, {"zone": 999_999}).json()["count"] == 0


@pytest.mark.parametrize("missing", ["latitude", "longitude"])
def test_latitude_and_longitude_go_together(api: APIClient, missing: str) -> None:
    response = api.post(PATH, body(**{missing: None}))
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == missing
    camera = make_camera(latitude=1, longitude=2)
    response = api.patch(f"{PATH}/{camera.pk}", {missing: None})
    assert response.status_code == 400
    assert fields_of(response) == {missing}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("fps", 0), ("width", 0), ("height", 65536), ("latitude", 90.1), ("longitude", -180.1)],
        *[("heading", 361), ("latitude", "NaN"), ("fps", "Infinity"), ("fps", True)],
    ],
)
def test_numbers_out_of_range_are_refused(api: APIClient, field: str, value: object) -> None:
    response = api.post(PATH, body(**{field: value}))
    assert response.status_code == 400
    assert fields_of(response) == {field}


def test_zone_that_a_camera_sees_is_not_deleted(api: APIClient) -> None:
    zone = make_zone()
    camera = make_camera(zone)
    response = api.delete(f"/api/v1/config/zones/{zone.pk}")
    assert response.status_code == 409
    assert response.json()["code"] == "in_use"
    assert "cameras" in response.json()["message"]
    assert "Disable it" in response.json()["message"]
    assert Zone.objects.filter(pk=zone.pk).exists()
    assert api.delete(f"{PATH}/{camera.pk}").status_code == 204
    assert api.delete(f"/api/v1/config/zones/{zone.pk}").status_code == 204
