from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from anpr_project.lib.tests.admin_pages import list_page, page, shown_form, staff
from models_cfg.tests.factories import make_model
from sensors.models import SensorKey, SensorSettings
from sensors.tests.factories import make_sensor


def make_key_page(sensor: SensorSettings) -> str:
    return reverse("admin:sensors_sensorsettings_make_key", args=[sensor.pk])


def revoke_page(key: SensorKey) -> str:
    return reverse("admin:sensors_sensorsettings_revoke_key", args=[key.sensor_id, key.pk])


@pytest.mark.main_path
def test_key_is_made_by_a_form_and_shown_once(client: Client, db: None) -> None:
    staff(client, superuser=True)
    sensor = make_sensor()
    assert make_key_page(sensor) in client.get(page(sensor)).content.decode()
    assert client.get(make_key_page(sensor)).status_code == 200
    assert not SensorKey.objects.exists()  # looking makes nothing
    response = client.post(make_key_page(sensor), {"label": "spare"})
    found = re.search(r"anpr_sk_[0-9a-f_]+", response.content.decode())
    assert found is not None
    assert "no-store" in response["Cache-Control"]
    key = SensorKey.objects.matching(found.group())
    assert key is not None
    assert (key.sensor, key.label) == (sensor, "spare")
    for path in (page(sensor), make_key_page(sensor), page(sensor, "history")):
        assert found.group() not in client.get(path).content.decode()
    assert key.key_id in LogEntry.objects.get().change_message


@pytest.mark.parametrize("label", ["a\x00b", "x" * 101])
def test_wrong_label_makes_no_key(client: Client, db: None, label: str) -> None:
    staff(client, superuser=True)
    response = client.post(make_key_page(make_sensor()), {"label": label})
    assert response.status_code == 200
    assert response.context["form"].errors
    assert not SensorKey.objects.exists()


def test_key_without_label_is_made(client: Client, db: None) -> None:
    staff(client, superuser=True)
    client.post(make_key_page(make_sensor()), {"label": ""})
    assert SensorKey.objects.get().label == ""


def test_keys_are_listed_and_revoked_by_a_button(client: Client, db: None) -> None:
    staff(client, superuser=True)
    key, _ = SensorKey.create_for(make_sensor(), "old")
    shown = client.get(page(key.sensor)).content.decode()
    assert key.key_id in shown
    assert key.digest not in shown
    assert revoke_page(key) in shown
    assert client.get(revoke_page(key)).status_code == 405
    response = client.post(revoke_page(key), follow=True)
    assert f"The key {key.key_id} is revoked." in response.content.decode()
    assert revoke_page(key) not in response.content.decode()
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_revoking_is_protected_against_forgery(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    staff(client, superuser=True)
    key, _ = SensorKey.create_for(make_sensor())
    assert client.post(revoke_page(key)).status_code == 403
    assert client.post(make_key_page(key.sensor), {"label": "x"}).status_code == 403
    key.refresh_from_db()
    assert key.revoked_at is None
    assert SensorKey.objects.count() == 1


@pytest.mark.parametrize("permission", ["sensors.view_sensorsettings", "sensors.add_sensorkey"])
def test_keys_need_the_permission_to_change_sensors(
    client: Client, db: None, permission: str
) -> None:
    staff(client, permission)
    key, _ = SensorKey.create_for(make_sensor())
    assert client.post(revoke_page(key)).status_code == 403
    assert client.post(make_key_page(key.sensor), {"label": "x"}).status_code == 403
    assert client.get(make_key_page(key.sensor)).status_code == 403
    assert key.key_id not in client.get(page(key.sensor)).content.decode()
    key.refresh_from_db()
    assert (key.revoked_at, SensorKey.objects.count()) == (None, 1)


def test_unknown_sensor_and_key_are_not_found(client: Client, db: None) -> None:
    staff(client, superuser=True)
    key, _ = SensorKey.create_for(make_sensor())
    name = "admin:sensors_sensorsettings_"
    assert (
        client.post(reverse(f"{name}revoke_key", args=[make_sensor().pk, key.pk])).status_code
        == 404
    )
    assert client.post(reverse(f"{name}revoke_key", args=[10**30, 10**30])).status_code == 404
    for number in ("999999", "9" * 30, "x"):
        assert client.get(reverse(f"{name}make_key", args=[number])).status_code == 404


def test_list_shows_life_signs_and_counts_live_keys(client: Client, db: None) -> None:
    staff(client, superuser=True)
    sensor = make_sensor()
    now = timezone.now()
    sensor.note_life_sign(captured_at=now - timedelta(seconds=1.25), received_at=now)
    for _ in range(3):
        SensorKey.create_for(sensor)[0]
    SensorKey.create_for(sensor)[0].revoke()
    response = client.get(list_page(SensorSettings))
    assert [row.live_key_count for row in response.context["cl"].result_list] == [3]
    assert "+1.2 s" in response.content.decode()


@pytest.mark.main_path
def test_saving_the_shown_form_changes_only_what_was_edited(client: Client, db: None) -> None:
    staff(client, superuser=True)
    sensor, model = make_sensor(settings={"a": [1, None]}), make_model()
    shown = shown_form(client, page(sensor)) | {"name": "renamed"}
    shown |= {"sensormodel_set-TOTAL_FORMS": "1", "sensormodel_set-0-model": str(model.pk)}
    shown |= {"sensormodel_set-0-sensor": str(sensor.pk)}
    heard = timezone.now()
    sensor.note_life_sign(captured_at=heard, received_at=heard)
    response = client.post(page(sensor), shown)
    assert response.status_code == 302, response.content[:2000]
    camera = sensor.camera
    sensor.refresh_from_db()
    assert (sensor.name, sensor.settings) == ("renamed", {"a": [1, None]})
    assert (sensor.camera, sensor.last_seen_at) == (camera, heard)
    assert list(sensor.models.all()) == [model]


def test_autocomplete_finds_relations(client: Client, db: None) -> None:
    staff(client, superuser=True)
    sensor = make_sensor()
    assert sensor.camera is not None
    query = {"app_label": "sensors", "model_name": "sensorsettings", "field_name": "camera"}
    response = client.get(reverse("admin:autocomplete"), query | {"term": sensor.camera.name})
    assert [row["id"] for row in response.json()["results"]] == [str(sensor.camera.pk)]


@pytest.mark.main_path
@pytest.mark.parametrize("text", ["x", "1.5", "9" * 30, "-1", "999999", "²"])
def test_what_is_no_camera_is_said_on_the_page(client: Client, db: None, text: str) -> None:
    staff(client, superuser=True)
    sensor = make_sensor()
    shown = shown_form(client, page(sensor)) | {"camera": text}
    shown |= {"sensormodel_set-TOTAL_FORMS": "1", "sensormodel_set-0-model": text}
    response = client.post(page(sensor), shown)
    assert response.status_code == 200
    assert "camera" in response.context["adminform"].form.errors
