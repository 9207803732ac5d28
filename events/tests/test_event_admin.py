from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from anpr_project.lib.tests.factories import make_user
from cameras.tests.factories import make_camera
from events.models import PlateEvent
from events.tests.rows import NOON, make_event
from sensors.tests.factories import make_sensor
from zones.tests.factories import make_zone

LIST = "/admin/events/plateevent/"


@pytest.fixture
def browser(client: Client, admin_user: User) -> Client:
    client.force_login(admin_user)
    return client


def page(client: Client, url: str = LIST, **query: Any) -> str:
    response = client.get(url, query)
    assert response.status_code == 200, (response.status_code, response.content[:500])
    return response.content.decode()


def shown(client: Client, **query: Any) -> set[str]:
    """The plates of those that the list shows."""
    content = page(client, **query)
    return {
        plate for plate in PlateEvent.objects.values_list("plate", flat=True) if plate in content
    }


@pytest.mark.main_path
def test_list_shows_plate_place_and_the_crop_of_the_api(browser: Client) -> None:
    camera, zone = make_camera(name="North Gate"), make_zone(name="Car park")
    event = make_event(
        "AB12 CDE", make_sensor(camera), zone=zone, confidence=0.934, crop="x/crop.jpg"
    )
    content = page(browser)
    for text in (
        "AB12 CDE",
        "North Gate",
        "Car park",
        "93%",
        f'src="/api/v1/events/{event.pk}/crop"',
    ):
        assert text in content


def test_list_costs_the_same_few_queries_and_no_count(
    browser: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    sensor = make_sensor()
    for number in range(3):
        make_event(f"P{number}", sensor, zone=make_zone())
    # Session, user, the page, the cameras and the zones of the filters, the audit log.
    with django_assert_num_queries(6) as queries:
        page(browser)
    assert not [query for query in queries if "COUNT(" in query["sql"]]


def test_search_takes_the_beginning_of_the_normalised_plate(browser: Client) -> None:
    make_event("AB12 CDE")
    make_event("XAB12 CD")
    assert shown(browser, q="ab-12") == {"AB12 CDE"}
    assert shown(browser, q="--") == set()


def test_filters_narrow_by_camera_zone_region_and_time(browser: Client) -> None:
    zone = make_zone()
    event = make_event("AAA 111", zone=zone, region="gb")
    make_event("BBB 222", region="de", captured_at=NOON.replace(year=2025))
    assert shown(browser, camera__id__exact=event.camera_id) == {"AAA 111"}
    assert shown(browser, zone__id__exact=zone.pk) == {"AAA 111"}
    assert shown(browser, region="GB") == {"AAA 111"}
    assert shown(browser, region="") == {"AAA 111", "BBB 222"}
    assert shown(browser, captured_at_from_0="2026-01-01") == {"AAA 111"}
    noon = {"captured_at_to_0": "2025-11-20", "captured_at_to_1": "12:00:01"}
    assert shown(browser, **noon) == {"BBB 222"}


@pytest.mark.parametrize(
    "query",
    [
        "camera__id__exact=x",
        "zone__id__exact=x",
        "captured_at_from_0=0001-01-01&captured_at_from_1=x",
        "p=x",
        "o=9",
        "q=%00",
    ],
)
def test_nonsense_in_the_address_is_no_server_error(browser: Client, query: str) -> None:
    assert browser.get(f"{LIST}?{query}").status_code < 500


def test_pages_end_before_they_cost_much(browser: Client) -> None:
    make_event("AAA 111")
    assert shown(browser, p=100) == set()
    assert browser.get(LIST, {"p": 101}).status_code == 302


@pytest.mark.main_path
def test_detail_shows_pictures_readings_and_tyres(
    browser: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    details = {
        "candidates": [{"plate": "A812CDE", "confidence": 0.41}],
        "bbox": [691, 397, 59, 34],
        "sequence": 10412,
        "vehicle": {"make": "Volkswagen", "speed_kmh": 48.5},
        "location": {"latitude": 51.5, "longitude": -0.12},
    }
    event = make_event("AB12 CDE", tyres=["45bb320f"], frame="f.jpg", crop="c.jpg", details=details)
    page(browser, f"{LIST}{event.pk}/change/")  # fills the cache of content types
    with django_assert_num_queries(6):  # session, user, event, tyres, position, audit log
        content = page(browser, f"{LIST}{event.pk}/change/")
    for text in (
        f'src="/api/v1/events/{event.pk}/frame"',
        f'src="/api/v1/events/{event.pk}/crop"',
        *("A812CDE (41%)", "691, 397, 59, 34", "10412", "Volkswagen", "speed kmh: 48.5"),
        *("51.5, -0.12", "45bb320f"),
    ):
        assert text in content


def test_detail_of_a_bare_event_needs_no_pictures_and_places(browser: Client) -> None:
    event = make_event("AB12 CDE", camera_id=None)
    content = page(browser, f"{LIST}{event.pk}/change/")
    assert "AB12 CDE" in content
    assert '<img src="/api' not in content
    assert shown(browser) == {"AB12 CDE"}


def test_a_plate_cannot_smuggle_markup_into_the_page(browser: Client) -> None:
    candidates = [{"plate": "<script>x()</script>", "confidence": 0.1}]
    event = make_event("<img src=x>", crop="c.jpg", details={"candidates": candidates})
    for content in (page(browser), page(browser, f"{LIST}{event.pk}/change/")):
        assert "<img src=x>" not in content
        assert "<script>x()" not in content


def test_nobody_adds_changes_or_deletes_an_event(browser: Client) -> None:
    event = make_event("AB12 CDE")
    assert browser.get(f"{LIST}add/").status_code == 403
    assert browser.get(f"{LIST}{event.pk}/delete/").status_code == 403
    assert browser.post(f"{LIST}{event.pk}/change/", {"plate": "XX"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": event.pk, "post": "yes"}
    browser.post(LIST, action)
    assert PlateEvent.objects.get().plate == "AB12 CDE"


def test_staff_see_events_only_with_the_right_to(client: Client, db: None) -> None:
    make_event("AB12 CDE", tyres=["45bb320f"])
    client.force_login(make_user("clerk", is_staff=True))
    assert client.get(LIST).status_code == 403
    client.force_login(make_user("viewer", role="Viewers", is_staff=True))
    assert "AB12 CDE" in page(client)
    event = PlateEvent.objects.get()
    assert "45bb320f" in page(client, f"{LIST}{event.pk}/change/")
