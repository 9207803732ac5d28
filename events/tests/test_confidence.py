from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from anpr_project.lib.tests.factories import make_user
from cameras.tests.factories import make_camera
from events.statistics import confidence
from events.stream.dispatch import dispatch
from events.tests.rows import NOON, make_event
from sensors.tests.factories import make_sensor

URL = "/api/v1/events/stats/confidence"
RANGE = {"from": "2026-11-20T00:00:00Z", "to": "2026-11-23T00:00:00Z"}
DAY = timedelta(days=1)


def get(client: APIClient, **query: Any) -> Any:
    response = client.get(URL, RANGE | query)
    assert response.status_code == 200, response.content
    return response.json()


@pytest.mark.main_path
def test_each_camera_has_its_mean_of_each_day(api: APIClient) -> None:
    gate, yard = make_camera(name="Gate"), make_camera(name="Yard")
    sensor = make_sensor(gate)
    make_event(sensor=sensor, confidence=0.9)
    make_event(sensor=sensor, confidence=0.8)
    make_event(sensor=sensor, confidence=0.6, captured_at=NOON + 2 * DAY)
    dispatch()
    # Not yet dispatched, and of no camera.
    make_event(sensor=make_sensor(yard), confidence=0.5, captured_at=NOON + DAY)
    make_event(camera_id=None, confidence=1.0, captured_at=NOON + DAY)
    assert get(api) == RANGE | {
        "bucket": "day",
        "truncated": False,
        "starts": ["2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"],
        "cameras": [
            {
                "camera": gate.pk,
                "name": "Gate",
                "total": 3,
                "mean_confidence": 0.7667,
                "events": [2, 0, 1],
                "confidence": [0.85, None, 0.6],
            },
            {
                "camera": None,
                "name": None,
                "total": 1,
                "mean_confidence": 1.0,
                "events": [0, 1, 0],
                "confidence": [None, 1.0, None],
            },
            {
                "camera": yard.pk,
                "name": "Yard",
                "total": 1,
                "mean_confidence": 0.5,
                "events": [0, 1, 0],
                "confidence": [None, 0.5, None],
            },
        ],
    }


def test_ends_within_an_hour_and_weeks_count_too(api: APIClient) -> None:
    sensor = make_sensor()
    for minute in (0, 20, 40):
        make_event(sensor=sensor, captured_at=NOON + timedelta(minutes=minute))
    dispatch()
    late = get(api, **{"from": "2026-11-20T12:10:00Z", "bucket": "hour"})
    assert late["cameras"][0]["events"][:2] == [2, 0]
    weeks = get(api, bucket="week")
    assert weeks["starts"] == ["2026-11-16T00:00:00Z"]
    assert weeks["cameras"][0]["events"] == [3]


def test_filters_of_the_list_apply(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    sensor = make_sensor()
    make_event("AB1", sensor)
    make_event("AB2", sensor, captured_at=NOON + DAY)
    make_event("XY1", make_sensor())
    dispatch()
    assert [entry["camera"] for entry in get(api, camera=sensor.camera_id)["cameras"]] == [
        sensor.camera_id
    ]
    found = get(api, plate="AB*")
    assert (found["truncated"], found["cameras"][0]["events"]) == (False, [1, 1, 0])
    monkeypatch.setattr(confidence, "MAX_EVENTS", 1)
    found = get(api, plate="AB*")
    assert (found["truncated"], found["cameras"][0]["events"]) == (True, [0, 1, 0])


def test_more_points_than_can_be_shown_are_refused(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_camera()
    monkeypatch.setattr(confidence, "MAX_POINTS", 6)
    assert get(api)["cameras"] == []
    response = api.get(URL, RANGE | {"bucket": "hour"})
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "bucket"


@pytest.mark.parametrize("name", ["from", "to", "bucket", "camera", "similar", "limit"])
def test_wrong_parameter_is_named(api: APIClient, name: str) -> None:
    response = api.get(URL, {name: "x"})
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == name


def test_it_needs_a_login_and_the_permission_and_few_queries(
    anonymous: APIClient, db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    assert anonymous.get(URL).status_code == 401
    anonymous.force_authenticate(make_user("clerk"))
    assert anonymous.get(URL).status_code == 403
    for _ in range(3):
        make_event()
    dispatch()
    viewer = make_user("viewer", role="Viewers")
    viewer.get_all_permissions()
    anonymous.force_authenticate(viewer)
    # Cameras twice, rollups, what is not yet in them.
    with django_assert_num_queries(4):
        get(anonymous)
