from __future__ import annotations

import csv
import gc
import io
import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import AsyncClient
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from anpr_project.lib.tests.factories import make_user
from cameras.tests.factories import make_camera
from events.download import views
from events.models import PlateEvent
from events.search.keyset import PageRequest
from events.tests.rows import NOON, build_event, make_event, store
from sensors.tests.factories import make_sensor
from zones.tests.factories import make_zone

URL = "/api/v1/events/export"


def fetch(client: APIClient, **query: Any) -> bytes:
    response: Any = client.get(URL, query)
    assert response.status_code == 200, response.content
    assert response.streaming
    content: bytes = response.getvalue()
    return content


def give_up(response: Any) -> None:
    """What a server does when the client goes away in the middle."""
    response._iterator.close()


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "PAGE", 3)


def make_many(count: int) -> list[int]:
    """Store events, two of each moment; return their ids, newest first."""
    sensor = make_sensor()
    store(
        build_event(sensor, f"P{n}", captured_at=NOON + timedelta(seconds=n // 2))
        for n in range(count)
    )
    return list(PlateEvent.objects.values_list("pk", flat=True))


@pytest.mark.main_path
@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("count", [0, 1, 3, 8])
def test_every_format_holds_every_event_once_newest_first(api: APIClient, count: int) -> None:
    expected = make_many(count)
    assert [int(row["id"]) for row in table(fetch(api))] == expected
    assert [event["id"] for event in json.loads(fetch(api, format="json"))] == expected
    lines = fetch(api, format="ndjson").splitlines()
    assert [json.loads(line)["id"] for line in lines] == expected


def test_json_holds_the_events_of_the_list_with_whole_addresses(api: APIClient) -> None:
    event = make_event(tyres=["ff"], frame="a.jpg", details={"vehicle": {"type": "car"}})
    [listed] = api.get("/api/v1/events").json()["results"]
    listed["frame_url"] = f"http://testserver/api/v1/events/{event.pk}/frame"
    assert json.loads(fetch(api, format="json")) == [listed]


def test_csv_tells_all_of_an_event(api: APIClient) -> None:
    camera, zone = make_camera(name="Zürich, Tor"), make_zone(name='The "yard"')
    event = make_event(
        "ab-12",
        make_sensor(camera, name="S"),
        zone=zone,
        region="gb",
        crop="c.jpg",
        tyres=["aa", "bb"],
        details={
            "vehicle": {"type": "car", "make": "Ford", "year": 2019, "speed_kmh": 48.5},
            "location": {"latitude": 51.5, "longitude": -0.12},
            "candidates": [{"plate": "A812", "confidence": 0.41}],
        },
    )
    response = api.get(URL, {"bom": "true"})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="reads-')
    assert response["Cache-Control"] == "private, no-store"
    content = response.getvalue()
    assert content.startswith(b"\xef\xbb\xbfid,")
    [row] = table(content[3:])
    assert row | {"event_id": "", "captured_at": "2026-11-20T12:00:00Z"} == row | {"event_id": ""}
    shown = {
        "plate": "ab-12",
        "plate_normalized": "AB12",
        "camera_name": "Zürich, Tor",
        "zone_name": 'The "yard"',
        "vehicle_type": "car",
        "vehicle_model": "",
        "vehicle_year": "2019",
        "vehicle_speed_kmh": "48.5",
        "longitude": "-0.12",  # a number is no formula
        "candidates": "A812:0.41",
        "tpms_ids": "aa bb",
        "frame_url": "",
        "crop_url": f"http://testserver/api/v1/events/{event.pk}/crop",
    }
    assert {name: row[name] for name in shown} == shown


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＠"])  # noqa: RUF001
def test_no_cell_is_a_formula(api: APIClient, start: str) -> None:
    evil = f"{start}HYPERLINK(1)"
    camera = make_camera(name=evil)
    words = dict.fromkeys(("type", "make", "model", "color", "direction"), evil)
    candidates = [{"plate": evil, "confidence": 0.5}]
    # Ingest lets no control character in.
    details = {"vehicle": words, "candidates": candidates} if start.isprintable() else {}
    make_event(
        evil,
        make_sensor(camera, name=evil),
        zone=make_zone(name=evil),
        region=evil,
        details=details,
    )
    [row] = table(fetch(api))
    assert row["plate"] == row["camera_name"] == f"'{evil}"
    assert not [name for name, value in row.items() if value.startswith(start)]
    [event] = json.loads(fetch(api, format="json"))
    assert event["plate"] == evil


def test_filters_of_the_list_apply(api: APIClient) -> None:
    sensor = make_sensor()
    wanted = make_event("AB12CDE", sensor, vehicle_type="car")
    make_event("AB12CDF", sensor, captured_at=NOON - timedelta(days=1))
    make_event("XY1", sensor)
    query = {"plate": "AB*", "camera": sensor.camera_id, "captured_after": NOON.isoformat()}
    assert [int(row["id"]) for row in table(fetch(api, **query))] == [wanted.pk]


def test_look_alikes_say_why_they_were_found(api: APIClient) -> None:
    make_event("A812CDE")
    make_event("XY99ZZZ")
    [row] = table(fetch(api, similar="AB12CDE"))
    assert (row["match_score"], row["match_reason"]) == ("0.986", "look-alike: 8 for B")
    [event] = json.loads(fetch(api, format="json", similar="AB12CDE"))
    assert event["match"] == {"score": 0.986, "reason": "look-alike: 8 for B"}


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("format", {"format": "xlsx"}),
        ("format", {"format": ["csv", "json"]}),
        ("bom", {"bom": "maybe"}),
        ("limit", {"limit": "5"}),
        ("cursor", {"cursor": "x"}),
        ("plate", {"plate": "*"}),
        ("camera", {"camera": "x"}),
        ("similar", {"similar": "-"}),
        ("captured_after", {"captured_after": "yesterday"}),
    ],
)
def test_wrong_parameter_is_named(api: APIClient, name: str, query: dict[str, Any]) -> None:
    response = api.get(URL, query)
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == name


def test_it_needs_a_login_and_the_permission(anonymous: APIClient, db: None) -> None:
    assert anonymous.get(URL).status_code == 401
    anonymous.force_authenticate(make_user("clerk"))
    assert anonymous.get(URL).status_code == 403
    anonymous.force_authenticate(make_user("viewer", role="Viewers"))
    assert fetch(anonymous).startswith(b"id,")


def test_head_gives_the_headers_and_whatever_is_accepted_is_right(api: APIClient) -> None:
    response = api.head(URL, {"format": "ndjson"})
    assert (response.status_code, response["Content-Type"]) == (200, "application/x-ndjson")
    assert api.get(URL, headers={"Accept": "text/csv"}).getvalue().startswith(b"id,")


@pytest.mark.usefixtures("small_pages")
def test_pages_are_read_when_they_are_asked_for(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_many(9)
    with django_assert_num_queries(3):  # the first page, and the audit log
        response = api.get(URL)
    pieces = iter(response)
    with django_assert_num_queries(0):
        next(pieces)
    with django_assert_num_queries(2):
        next(pieces)
    give_up(response)


@pytest.mark.usefixtures("small_pages")
def test_memory_holds_two_pages_at_most(api: APIClient) -> None:
    make_many(30)
    response: Any = api.get(URL)
    held = []
    for _ in response:
        gc.collect()
        held.append(sum(type(thing) is PlateEvent for thing in gc.get_objects()))
    assert len(held) == 11
    assert max(held) <= 2 * 3


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> threading.BoundedSemaphore:
    single = threading.BoundedSemaphore(1)
    monkeypatch.setattr(views, "_wsgi_places", single)
    monkeypatch.setattr(views, "_asgi_places", single)
    return single


@pytest.mark.usefixtures("places")
def test_downloads_under_way_are_few(api: APIClient) -> None:
    first: Any = api.get(URL)
    next(iter(first))
    busy = api.get(URL)
    assert (busy.status_code, busy.json()["code"]) == (429, "throttled")
    assert int(busy["Retry-After"]) > 0
    give_up(first)
    assert api.get(URL, {"format": "x"}).status_code == 400
    assert fetch(api)


@pytest.fixture
def failing_second_page(monkeypatch: pytest.MonkeyPatch) -> None:
    read = PageRequest.read

    def fail_later(self: PageRequest, queryset: Any) -> Any:
        if self.cursor is not None:
            raise OperationalError("canceling statement due to statement timeout")
        return read(self, queryset)

    monkeypatch.setattr(PageRequest, "read", fail_later)


@pytest.mark.usefixtures("small_pages", "failing_second_page")
def test_a_file_that_breaks_off_is_not_taken_for_whole(api: APIClient) -> None:
    make_many(5)
    last = fetch(api).decode().splitlines()[-1]
    assert "INCOMPLETE" in last
    assert "error" in json.loads(fetch(api, format="ndjson").splitlines()[-1])
    with pytest.raises(json.JSONDecodeError):
        json.loads(fetch(api, format="json"))


def test_a_database_that_does_not_answer_is_an_error(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: PageRequest, queryset: Any) -> Any:
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setattr(PageRequest, "read", fail)
    assert api.get(URL).status_code == 503


@pytest.mark.main_path
@pytest.mark.django_db(transaction=True)
async def test_an_asgi_server_streams_it_too(
    async_client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from asgiref.sync import sync_to_async

    monkeypatch.setattr(views, "PAGE", 3)
    expected = await sync_to_async(make_many)(7)
    viewer = await sync_to_async(make_user)("viewer", role="Viewers")
    await async_client.aforce_login(viewer)
    response: Any = await async_client.get(URL)
    assert response.is_async
    pieces = [piece async for piece in response]
    assert len(pieces) == 4
    assert [int(row["id"]) for row in table(b"".join(pieces))] == expected
    response.close()
