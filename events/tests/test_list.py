from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from anpr_project.lib.tests.factories import make_user
from cameras.tests.factories import make_camera
from events.models import PlateEvent
from events.tests.rows import NOON, build_event, make_event, store
from sensors.tests.factories import make_sensor

URL = "/api/v1/events"


def get(client: APIClient, url: str = URL, **query: Any) -> Any:
    response = client.get(url, query or None)
    assert response.status_code == 200, response.content
    return response.json()


def ids(page: Any) -> list[int]:
    return [event["id"] for event in page["results"]]


def make_many(count: int, *, at_once: int = 1) -> list[int]:
    """Store events, `at_once` of them captured at the same moment; return their ids, newest first."""
    sensor = make_sensor()
    store(
        build_event(sensor, f"P{n}", captured_at=NOON + timedelta(microseconds=n // at_once))
        for n in range(count)
    )
    return list(PlateEvent.objects.order_by("-captured_at", "-id").values_list("pk", flat=True))


@pytest.mark.main_path
def test_pages_lead_through_all_events_and_back(api: APIClient) -> None:
    expected = make_many(11, at_once=4)
    page = get(api, limit=3)
    assert page["previous"] is None
    assert page["next"].startswith("http://testserver/api/v1/events?")
    pages = [page]
    while page["next"]:
        page = get(api, page["next"])
        pages.append(page)
    assert [ids(page) for page in pages] == [
        expected[0:3],
        expected[3:6],
        expected[6:9],
        expected[9:11],
    ]
    for earlier in reversed(pages[:-1]):
        page = get(api, page["previous"])
        assert ids(page) == ids(earlier)
    assert page["previous"] is None
    assert ids(get(api, page["next"])) == expected[3:6]


def test_page_that_ends_with_the_last_event_has_no_next(api: APIClient) -> None:
    expected = make_many(4)
    page = get(api, get(api, limit=2)["next"])
    assert (ids(page), page["next"]) == (expected[2:], None)


def test_events_that_arrive_meanwhile_do_not_shift_the_pages(api: APIClient) -> None:
    expected = make_many(4)
    page = get(api, limit=2)
    newer = make_event(captured_at=NOON + timedelta(days=1))
    page = get(api, page["next"])
    assert ids(page) == expected[2:]
    first = get(api, page["previous"])
    assert ids(first) == expected[:2]
    assert ids(get(api, first["previous"])) == [newer.pk]


def test_page_behind_deleted_events_is_empty_and_final(api: APIClient) -> None:
    make_many(2)
    following = get(api, limit=1)["next"]
    PlateEvent.objects.all().delete()
    assert get(api, following) == {"next": None, "previous": None, "results": []}


def test_links_keep_the_filters(api: APIClient) -> None:
    sensor = make_sensor()
    other = make_event()
    wanted = [make_event(sensor=sensor, region="gb").pk for _ in range(3)]
    query: dict[str, Any] = {"camera": [sensor.camera_id, 999], "region": "GB", "limit": 2}
    page = get(api, **query)
    rest = get(api, page["next"])
    assert ids(page) + ids(rest) == sorted(wanted, reverse=True)
    assert other.pk not in ids(page) + ids(rest)


def test_default_page_has_fifty_events_and_the_largest_five_hundred(api: APIClient) -> None:
    make_many(502)
    assert len(ids(get(api))) == 50
    assert len(ids(get(api, limit=500))) == 500


def test_list_shows_the_whole_event(api: APIClient) -> None:
    event = make_event(
        "ab-12", tyres=["ff"], details={"vehicle": {"type": "car"}}, frame="2026/11/20/12/x.jpg"
    )
    [shown] = get(api)["results"]
    assert shown["id"] == event.pk
    assert shown["event_id"] == str(event.event_id)
    assert (shown["plate"], shown["plate_normalized"]) == ("ab-12", "AB12")
    assert shown["captured_at"] == "2026-11-20T12:00:00Z"
    assert shown["sensor_name"] == event.sensor.name
    assert shown["camera"] == event.camera_id
    assert shown["zone"] is None
    assert shown["vehicle"] == {"type": "car"}
    assert [tyre["id"] for tyre in shown["tpms"]] == ["ff"]
    assert shown["frame_url"] == f"/api/v1/events/{event.pk}/frame"
    assert "match" not in shown


def test_list_takes_two_queries_whatever_its_length(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        make_event(sensor=make_sensor(make_camera()), tyres=["aa", "bb"])
    with django_assert_num_queries(3):  # the page, its tyres, the audit log
        assert len(ids(get(api, limit=1))) == 1
    # The newest events, among which all are; the events of the places found, their tyres, the audit log.
    with django_assert_num_queries(4 if connection.vendor == "postgresql" else 3):
        assert len(ids(get(api, plate="AB*", tpms_id="aa"))) == 5


CURSORS = [
    "x",
    "é",
    "%00",
    "bmV3ZXIuMS4x" * 20,
    "c2lkZXdheXMuMS4x",  # sideways.1.1
    "bmV3ZXIuMQ==",  # newer.1
    "bmV3ZXIuLTEuMQ==",  # newer.-1.1
    "bmV3ZXIuMS45OTk5OTk5OTk5OTk5OTk5OTk5OTk5",  # an id of 22 digits
    "bmV3ZXIuOTk5OTk5OTk5OTk5OTk5OTk5OS4x",  # a time after the year 9999
]


@pytest.mark.main_path
def test_neighbours_of_an_event_are_found_also_within_one_moment(api: APIClient) -> None:
    expected = make_many(11, at_once=4)
    middle = expected[5]
    assert ids(get(api, newer_than=middle, limit=2)) == expected[3:5]
    older = get(api, older_than=middle, limit=2)
    assert ids(older) == expected[6:8]
    assert ids(get(api, older["next"])) == expected[8:10]
    assert ids(get(api, newer_than=expected[0])) == []
    assert ids(get(api, older_than=expected[-1])) == []


@pytest.mark.parametrize("name", ["newer_than", "older_than"])
@pytest.mark.parametrize("value", ["0", "x", "999999", ""])
def test_neighbours_of_no_event_are_refused(api: APIClient, name: str, value: str) -> None:
    response = api.get(URL, {name: value})
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == name


@pytest.mark.parametrize("cursor", CURSORS)
def test_cursor_that_we_did_not_make_is_refused(api: APIClient, cursor: str) -> None:
    response = api.get(URL, {"cursor": cursor})
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "cursor"


@pytest.mark.parametrize("limit", ["0", "501", "-1", "x", "1.5", "", "٣", "9" * 30])
def test_limit_out_of_range_is_refused(api: APIClient, limit: str) -> None:
    response = api.get(URL, {"limit": limit})
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "limit"


@pytest.mark.parametrize("path", ["", "/1", "/stats"])
def test_reading_needs_a_login_and_the_permission(
    anonymous: APIClient, db: None, path: str
) -> None:
    assert anonymous.get(URL + path).status_code == 401
    anonymous.force_authenticate(make_user())
    assert anonymous.get(URL + path).status_code == 403


@pytest.mark.parametrize("path", ["", "/stats"])
def test_viewer_may_read(anonymous: APIClient, db: None, path: str) -> None:
    anonymous.force_authenticate(make_user(role="Viewers"))
    assert anonymous.get(URL + path).status_code == 200


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_list_and_detail_are_read_only(api: APIClient, method: str) -> None:
    event = make_event()
    assert getattr(api, method)(URL, {}).status_code == 405
    assert getattr(api, method)(f"{URL}/{event.pk}", {}).status_code == 405
    assert PlateEvent.objects.filter(pk=event.pk).exists()
