from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from anpr_project.lib.tests.config_contract import make_viewer
from anpr_project.lib.tests.factories import make_user
from sensors.models import SensorKey, SensorSettings
from sensors.tests.factories import make_sensor
from sensors.tests.test_sensors_api import TestSensors as Sensors


def keys_path(sensor: SensorSettings) -> str:
    return f"/api/v1/config/sensors/{sensor.pk}/keys"


def is_live(text: str) -> bool:
    return SensorKey.objects.matching(text) is not None


@pytest.mark.main_path
def test_key_is_shown_once_and_works(api: APIClient) -> None:
    sensor = make_sensor()
    response = api.post(keys_path(sensor), {"label": "first"})
    assert response.status_code == 201
    assert response["Cache-Control"] == "no-store"
    made = response.json()
    assert set(made) == {"id", "key", "key_id", "label", "created_at"}
    assert made["label"] == "first"
    assert made["created_at"].endswith("Z")
    key = SensorKey.objects.get()
    assert (key.pk, key.key_id, key.sensor) == (made["id"], made["key_id"], sensor)
    assert is_live(made["key"])
    secret = made["key"].rpartition("_")[2]
    assert secret not in str(SensorKey.objects.values().get())
    listed = api.get(keys_path(sensor))
    assert secret.encode() not in listed.content
    assert listed.json()["results"] == [
        {name: made[name] for name in ("id", "key_id", "label", "created_at")}
        | {"last_used_at": None, "revoked_at": None}
    ]


@pytest.mark.parametrize("body", [None, {}, {"label": ""}])
def test_label_is_optional(api: APIClient, body: dict[str, Any] | None) -> None:
    response = api.post(keys_path(make_sensor()), body)
    assert response.status_code == 201
    assert response.json()["label"] == ""


@pytest.mark.parametrize("label", ["a\x00b", "x" * 101, [], {}, None, "\U0001f697"])
def test_wrong_label_makes_no_key(api: APIClient, label: object) -> None:
    response = api.post(keys_path(make_sensor()), {"label": label})
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "label"
    assert not SensorKey.objects.exists()


@pytest.mark.parametrize("name", ["id", "key_id"])
def test_key_is_revoked_by_either_name_and_stays_listed(api: APIClient, name: str) -> None:
    sensor = make_sensor()
    old, new = (api.post(keys_path(sensor), {}).json() for _ in range(2))
    path = f"{keys_path(sensor)}/{old[name]}"
    assert api.delete(path).status_code == 204
    assert not is_live(old["key"])
    assert is_live(new["key"])
    revoked_at = SensorKey.objects.get(pk=old["id"]).revoked_at
    assert revoked_at is not None
    assert revoked_at <= timezone.now()
    assert api.delete(path).status_code == 204
    assert SensorKey.objects.get(pk=old["id"]).revoked_at == revoked_at
    listed = api.get(keys_path(sensor)).json()["results"]
    assert [row["revoked_at"] is None for row in listed] == [False, True]


@pytest.mark.parametrize(
    "name", ["0", "999999", "9" * 30, "9" * 5000, "abc", "%00", "a%00b", "-1", "%F0%9F%9A%97"]
)
def test_unknown_key_is_not_found(api: APIClient, name: str) -> None:
    sensor = make_sensor()
    api.post(keys_path(sensor), {})
    assert api.delete(f"{keys_path(sensor)}/{name}").status_code == 404
    assert SensorKey.objects.live().count() == 1


def test_key_of_another_sensor_is_not_found(api: APIClient) -> None:
    made = api.post(keys_path(make_sensor()), {}).json()
    other = make_sensor()
    for name in (made["id"], made["key_id"]):
        assert api.delete(f"{keys_path(other)}/{name}").status_code == 404
    assert api.get(keys_path(other)).json()["results"] == []
    assert is_live(made["key"])


def test_keys_of_an_unknown_sensor_are_not_found(api: APIClient) -> None:
    for number in ("999999", "9" * 30):
        path = f"/api/v1/config/sensors/{number}/keys"
        assert api.get(path).status_code == 404
        assert api.post(path, {}).status_code == 404
        assert api.delete(f"{path}/1").status_code == 404


@pytest.mark.parametrize(
    ("role", "actions", "status"),
    [
        (None, ["view", "add", "delete"], 403),
        ("Viewers", [], 403),
        ("Operators", [], 403),
        (None, ["change"], 201),
        ("Administrators", [], 201),
    ],
)
def test_keys_need_the_permission_to_change_sensors(
    anonymous: APIClient, db: None, role: str | None, actions: list[str], status: int
) -> None:
    sensor = make_sensor()
    key, _ = SensorKey.create_for(sensor)
    user = make_user(role=role) if role else make_viewer(Sensors.entity, *actions)
    anonymous.force_authenticate(user)
    allowed = status == 201
    assert anonymous.post(keys_path(sensor), {}).status_code == status
    assert anonymous.get(keys_path(sensor)).status_code == (200 if allowed else 403)
    deleted = anonymous.delete(f"{keys_path(sensor)}/{key.pk}")
    assert deleted.status_code == (204 if allowed else 403)
    assert SensorKey.objects.count() == 1 + allowed
    key.refresh_from_db()
    assert (key.revoked_at is not None) is allowed


def test_nobody_gets_keys_without_login(anonymous: APIClient, db: None) -> None:
    sensor = make_sensor()
    assert anonymous.get(keys_path(sensor)).status_code == 401
    assert anonymous.post(keys_path(sensor), {}).status_code == 401
    assert anonymous.delete(f"{keys_path(sensor)}/1").status_code == 401
    assert not SensorKey.objects.exists()


def test_last_use_is_kept_to_the_minute(db: None) -> None:
    key, _ = SensorKey.create_for(make_sensor())
    key.note_use()
    key.refresh_from_db()
    first = key.last_used_at
    assert first is not None
    key.note_use()
    key.refresh_from_db()
    assert key.last_used_at == first


def test_list_of_keys_has_pages_and_a_fixed_cost(
    api: APIClient, django_assert_num_queries: Any
) -> None:
    sensor = make_sensor()
    for _ in range(3):
        SensorKey.create_for(sensor)
    with django_assert_num_queries(4):  # the sensor and its models, count, keys
        page = api.get(keys_path(sensor), {"page_size": 2}).json()
    assert (page["count"], len(page["results"])) == (3, 2)
    assert page["next"]
