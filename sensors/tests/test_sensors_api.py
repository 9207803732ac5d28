from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from anpr_project.lib.tests.config_contract import ConfigContract, Entity
from anpr_project.lib.tests.factories import numbers
from cameras.tests.factories import make_camera
from models_cfg.tests.factories import make_model
from sensors.models import SensorSettings
from sensors.tests.factories import make_sensor
from zones.tests.factories import make_zone

PATH = "/api/v1/config/sensors"


def body(**fields: Any) -> dict[str, Any]:
    return {
        "name": f"sensor {next(numbers):05}",
        "serial_number": "SN-1",
        "camera": None,
        "zone": None,
        "models": [],
        "settings": {"upload": True},
    } | fields


@pytest.mark.main_path
class TestSensors(ConfigContract):
    entity = Entity(
        path=PATH,
        model=SensorSettings,
        body=body,
        texts=["name", "serial_number"],
        related=["camera", "zone"],
        related_many=["models"],
        json_fields=["settings"],
        change={"serial_number": "SN-2", "enabled": False},
        refused_queries=[
            ("camera=abc", "camera"),
            (f"zone={10**30}", "zone"),
            ("model=%00", "model"),
            ("serial_number=%00", "serial_number"),
        ],
        list_queries=3,
    )


def test_relations_are_stored_and_filtered_by(api: APIClient) -> None:
    camera, zone, model = make_camera(), make_zone(), make_model()
    wanted = body(camera=camera.pk, zone=zone.pk, models=[model.pk], serial_number="SN-9")
    made = api.post(PATH, wanted).json()
    make_sensor()
    assert (made["camera"], made["zone"], made["models"]) == (camera.pk, zone.pk, [model.pk])
    sensor = SensorSettings.objects.get(pk=made["id"])
    assert (sensor.camera, sensor.zone, list(sensor.models.all())) == (camera, zone, [model])
    for query in ({"camera": camera.pk}, {"zone": zone.pk}, {"model": model.pk}):
        assert [row["id"] for row in api.get(PATH, query).json()["results"]] == [sensor.pk]
    found = api.get(PATH, {"serial_number": "sn-9"}).json()["results"]
    assert [row["id"] for row in found] == [sensor.pk]


@pytest.mark.parametrize("value", [1.0, True, "1.5", "abc", [1], {"id": 1}, "\x00"])
def test_only_a_whole_number_names_a_camera(api: APIClient, value: object) -> None:
    make_camera()
    response = api.post(PATH, body(camera=value))
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "camera"


def test_digits_of_a_form_name_a_camera(api: APIClient) -> None:
    camera = make_camera()
    assert api.post(PATH, body(camera=str(camera.pk))).json()["camera"] == camera.pk


def test_life_signs_are_shown_and_cannot_be_set(api: APIClient) -> None:
    sensor, heard = make_sensor(), timezone.now()
    sensor.note_life_sign(captured_at=heard - timedelta(seconds=1.5), received_at=heard)
    shown = api.patch(f"{PATH}/{sensor.pk}", {"last_seen_at": None, "clock_offset_s": 9}).json()
    assert shown["clock_offset_s"] == 1.5
    assert shown["last_seen_at"].endswith("Z")
    sensor.refresh_from_db()
    assert sensor.last_seen_at == heard


def test_edit_writes_no_life_sign_over_one_that_came_meanwhile(api: APIClient) -> None:
    path = f"{PATH}/{make_sensor().pk}"
    with CaptureQueriesContext(connection) as queries:
        assert api.patch(path, {"name": "renamed"}).status_code == 200
    written = [query["sql"] for query in queries if query["sql"].startswith("UPDATE")]
    assert len(written) == 1
    assert "last_seen_at" not in written[0]


@pytest.mark.parametrize("what", ["cameras", "zones", "models"])
def test_what_a_sensor_uses_is_not_deleted(api: APIClient, what: str) -> None:
    camera, zone, model = make_camera(), make_zone(), make_model()
    sensor = make_sensor(camera, zone=zone)
    sensor.models.set([model])
    used = {"cameras": camera, "zones": zone, "models": model}[what]
    response = api.delete(f"/api/v1/config/{what}/{used.pk}")
    assert response.status_code == 409
    assert response.json()["code"] == "in_use"
    assert "sensors" in response.json()["message"]
    assert "Disable it" in response.json()["message"]
    assert type(used).objects.filter(pk=used.pk).exists()


def test_unused_sensor_goes_with_its_keys_and_models(api: APIClient) -> None:
    sensor = make_sensor()
    sensor.models.set([make_model()])
    api.post(f"{PATH}/{sensor.pk}/keys", {})
    assert api.delete(f"{PATH}/{sensor.pk}").status_code == 204
    assert not SensorSettings.objects.exists()


@pytest.mark.parametrize(("given", "status"), [(None, 400), ([1], 201), ("text", 201)])
def test_settings_are_any_json_but_null(api: APIClient, given: Any, status: int) -> None:
    assert api.post(PATH, body(settings=given)).status_code == status
