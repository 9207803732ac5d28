from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from cameras.tests.factories import make_camera
from events.statistics import summary
from events.stream.dispatch import dispatch
from events.tests.rows import NOON, build_event, make_event, store
from sensors.tests.factories import make_sensor
from zones.tests.factories import make_zone

URL = "/api/v1/events/stats"
DAY = "2026-11-20T00:00:00Z"
NEXT_DAY = "2026-11-21T00:00:00Z"


def get(client: APIClient, **query: Any) -> Any:
    response = client.get(URL, query)
    assert response.status_code == 200, response.content
    return response.json()


@pytest.mark.main_path
def test_statistics_count_dispatched_and_waiting_events(api: APIClient) -> None:
    camera, zone = make_camera(name="Gate"), make_zone(name="Yard")
    sensor = make_sensor(camera)
    make_event("AB12CDE", sensor, zone=zone, vehicle_type="car", confidence=0.5)
    dispatch()
    make_event("AB12CDE", sensor, confidence=1.0)
    make_event("XY99ZZZ", make_sensor(), camera_id=None, captured_at=NOON + timedelta(hours=11))
    body = get(api, **{"from": DAY, "to": "2026-11-22T00:00:00Z", "bucket": "day"})
    assert body == {
        "from": DAY,
        "to": "2026-11-22T00:00:00Z",
        "bucket": "day",
        "total": 3,
        "truncated": False,
        "unique_plates": 2,
        "unique_plates_approximate": False,
        "mean_confidence": pytest.approx(0.8),
        "series": [
            {"start": DAY, "events": 3, "mean_confidence": pytest.approx(0.8)},
            {"start": NEXT_DAY, "events": 0, "mean_confidence": None},
        ],
        "by_camera": [
            {"camera": camera.pk, "name": "Gate", "events": 2},
            {"camera": None, "name": None, "events": 1},
        ],
        "by_zone": [
            {"zone": None, "name": None, "events": 2},
            {"zone": zone.pk, "name": "Yard", "events": 1},
        ],
        "by_vehicle_type": [
            {"vehicle_type": None, "events": 2},
            {"vehicle_type": "car", "events": 1},
        ],
        "top_plates": [{"plate": "AB12CDE", "events": 2}, {"plate": "XY99ZZZ", "events": 1}],
        "top_plates_approximate": False,
    }
    [listed, *_] = api.get("/api/v1/events", {"camera": camera.pk}).json()["results"]
    assert listed["plate"] == "AB12CDE"


def test_statistics_of_nothing_are_zeros(api: APIClient) -> None:
    body = get(api, **{"from": DAY, "to": NEXT_DAY, "bucket": "hour"})
    assert (body["total"], body["mean_confidence"], body["unique_plates"]) == (0, None, 0)
    assert [point["events"] for point in body["series"]] == [0] * 24
    assert (body["by_camera"], body["by_zone"], body["top_plates"]) == ([], [], [])


@time_machine.travel(datetime(2026, 11, 22, 9, 30, tzinfo=UTC), tick=False)
def test_default_is_the_last_thirty_days_with_today(api: APIClient) -> None:
    body = get(api)
    assert (body["from"], body["to"]) == ("2026-10-24T00:00:00Z", "2026-11-23T00:00:00Z")
    assert len(body["series"]) == 30
    body = get(api, bucket="hour")
    assert body["to"] == "2026-11-22T10:00:00Z"
    assert len(body["series"]) == 720
    assert get(api, **{"from": "2026-11-22T00:00:00Z"})["to"] == "2026-11-23T00:00:00Z"
    assert get(api, to="2026-01-31T00:00:00Z")["from"] == "2026-01-01T00:00:00Z"


def test_weeks_start_on_monday(api: APIClient) -> None:
    make_event(captured_at=datetime(2026, 11, 22, 23, 59, tzinfo=UTC))
    make_event(captured_at=datetime(2026, 11, 23, tzinfo=UTC))
    dispatch()
    body = get(
        api, **{"from": "2026-11-18T00:00:00Z", "to": "2026-11-25T00:00:00+01:00", "bucket": "week"}
    )
    assert body["series"] == [
        {"start": "2026-11-16T00:00:00Z", "events": 1, "mean_confidence": pytest.approx(0.9)},
        {"start": "2026-11-23T00:00:00Z", "events": 1, "mean_confidence": pytest.approx(0.9)},
    ]


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("bucket", {"bucket": "month"}),
        ("bucket", {"bucket": ["day", "hour"]}),
        (
            "bucket",
            {"bucket": "hour", "from": "2026-01-01T00:00:00Z", "to": "2026-12-01T00:00:00Z"},
        ),
        ("bucket", {"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"}),
        ("from", {"from": NEXT_DAY, "to": DAY}),
        ("from", {"from": DAY, "to": DAY}),
        ("from", {"from": "2026-11-22"}),
        ("from", {"from": "2199-12-31T00:00:00Z"}),
        ("to", {"to": "2026-11-22T00:00:00"}),
        ("to", {"to": [DAY, NEXT_DAY]}),
        ("camera", {"camera": "x"}),
        ("similar", {"similar": "AB12"}),
        ("limit", {"limit": "5"}),
        ("buckets", {"buckets": "day"}),
    ],
)
def test_wrong_parameter_is_named(api: APIClient, name: str, query: dict[str, Any]) -> None:
    response = api.get(URL, query)
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == name


def test_longest_series_has_five_thousand_buckets(api: APIClient) -> None:
    start = datetime(2020, 1, 1, tzinfo=UTC)
    query = {"from": start.isoformat(), "bucket": "hour"}
    longest = (start + timedelta(hours=5000)).isoformat()
    assert len(get(api, to=longest, **query)["series"]) == 5000
    longer = (start + timedelta(hours=5000, microseconds=1)).isoformat()
    assert api.get(URL, query | {"to": longer}).status_code == 400


def test_statistics_take_a_fixed_number_of_queries(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for hour in range(3):
        make_event(zone=make_zone(), captured_at=NOON + timedelta(hours=hour))
    dispatch()
    # The rollups with the names, the two ends, the outbox, the plates, the audit log.
    with django_assert_num_queries(6):
        get(api, **{"from": "2026-11-18T00:30:00Z", "to": "2026-11-21T00:30:00Z"})
    with django_assert_num_queries(5):
        get(api, plate="AB*", **{"from": DAY, "to": NEXT_DAY})


def test_statistics_of_many_events_take_a_fixed_number_of_queries(
    api: APIClient,
    django_assert_num_queries: DjangoAssertNumQueries,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(summary, "FEW_EVENTS", 0)
    sensor = make_sensor()
    for months in range(3):
        store(
            build_event(sensor, f"P{n}", captured_at=NOON - timedelta(days=30 * months))
            for n in range(12)
            for _ in range(n + 12)
        )
    dispatch()
    # The rollups with their sketches and names, the outbox, the lists of all spans, the audit log.
    with django_assert_num_queries(4):
        get(api, **{"from": "2026-09-01T00:00:00Z", "to": "2026-12-01T00:00:00Z"})
    # Besides: what the lists of the days do not hold, of the end that has something beyond.
    with django_assert_num_queries(5):
        get(api, **{"from": "2026-09-22T00:00:00Z", "to": "2026-11-30T00:00:00Z"})


def test_many_events_make_plates_approximate_but_counts_stay_exact(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary, "FEW_EVENTS", 20)
    monkeypatch.setattr(summary, "MAX_EVENTS", 50)
    sensor = make_sensor()
    store(
        build_event(sensor, f"OLD{n}", captured_at=NOON + timedelta(seconds=n)) for n in range(100)
    )
    dispatch()
    store(build_event(sensor, "NEW", captured_at=NOON + timedelta(hours=1)) for n in range(10))
    body = get(api, **{"from": DAY, "to": NEXT_DAY})
    assert (body["total"], body["truncated"]) == (110, False)
    assert body["unique_plates_approximate"]
    assert body["unique_plates"] == pytest.approx(101, abs=2)
    assert body["top_plates_approximate"]
    assert body["top_plates"][0] == {"plate": "NEW", "events": 10}
    # Of the newest 50 events, 40 are old ones: the last 40.
    assert {entry["plate"] for entry in body["top_plates"][1:]} < {
        f"OLD{n}" for n in range(60, 100)
    }


def test_filters_beyond_the_rollups_count_the_newest_events(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary, "MAX_EVENTS", 3)
    sensor = make_sensor()
    for hour in range(3):
        make_event("AB1", sensor, captured_at=NOON + timedelta(hours=hour))
    query = {"from": DAY, "to": NEXT_DAY, "plate": "A*", "bucket": "hour"}
    body = get(api, **query)
    assert (body["total"], body["truncated"], body["unique_plates_approximate"]) == (
        3,
        False,
        False,
    )
    make_event("AB2", sensor, captured_at=NOON + timedelta(hours=5))
    body = get(api, **query)
    assert (body["total"], body["truncated"], body["unique_plates_approximate"]) == (3, True, True)
    assert [point["events"] for point in body["series"][12:18]] == [0, 1, 1, 0, 0, 1]
