from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from events.tests.rows import NOON, make_event
from exporters.tests.factories import address, make_delivery, make_exporter


@pytest.mark.main_path
def test_deliveries_are_listed_by_key_newest_first(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    exporter = make_exporter()
    made = [make_delivery(exporter, make_event()) for _ in range(3)]
    make_delivery(make_exporter(), made[0].event)
    with django_assert_num_queries(2):
        page = api.get(address(exporter, "deliveries"), {"limit": 2}).json()
    assert [row["id"] for row in page["results"]] == [made[2].pk, made[1].pk]
    row = page["results"][0]
    event = made[2].event
    assert row["event"] == event.pk
    assert row["message_id"] == f"evt_{event.event_id.hex}_{event.sensor_id}"
    assert row["next_attempt_at"].endswith("Z")
    last = api.get(page["next"]).json()
    assert [row["id"] for row in last["results"]] == [made[0].pk]
    assert last["next"] is None
    assert [one["id"] for one in api.get(last["previous"]).json()["results"]] == [
        made[2].pk,
        made[1].pk,
    ]


def test_deliveries_are_filtered_by_state_and_event(api: APIClient) -> None:
    exporter = make_exporter()
    dead = make_delivery(exporter, make_event(), state="dead", last_error="no")
    sent = make_delivery(exporter, make_event(), state="delivered", delivered_at=NOON)
    path = address(exporter, "deliveries")
    for query, wanted in (({"state": "dead"}, dead), ({"event": sent.event_id}, sent)):
        [row] = api.get(path, query).json()["results"]
        assert row["id"] == wanted.pk
        assert row["next_attempt_at"] is None
    assert api.get(path, {"state": "pending"}).json()["results"] == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state=lost", 400),
        ("stat=dead", 400),
        ("page=2", 400),
        ("state=%00", 400),
        ("state=", 400),
        ("event=", 400),
        ("event=abc", 400),
        ("event=" + "9" * 30, 400),
        ("cursor=%00", 200),
        ("cursor=nonsense", 404),
        ("cursor=cD1hYmM%3D", 404),  # p=abc
        ("cursor=cD0lMDA%3D", 404),  # p=%00
        ("cursor=cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk%3D", 404),  # p=999…
        ("limit=0", 400),
        ("limit=abc", 400),
        ("limit=" + "9" * 30, 200),
    ],
)
def test_odd_query_of_deliveries(api: APIClient, query: str, expected: int) -> None:
    exporter = make_exporter()
    make_delivery(exporter, make_event())
    assert api.get(f"{address(exporter, 'deliveries')}?{query}").status_code == expected


def test_delivery_shows_each_attempt(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    exporter = make_exporter()
    delivery = make_delivery(exporter, make_event(), state="delivered", attempts=2)
    for code, error in ((500, "The sink answered 500."), (204, "")):
        delivery.tries.create(
            started_at=NOON, duration_ms=12.5, succeeded=not error, code=code, error=error
        )
    path = f"{address(exporter, 'deliveries')}/{delivery.pk}"
    with django_assert_num_queries(3):
        shown = api.get(path).json()
    assert shown["attempts"] == 2
    assert shown["tries"] == [
        {
            "number": number,
            "started_at": "2026-11-20T12:00:00Z",
            "duration_ms": 12.5,
            "succeeded": not error,
            "code": code,
            "error": error,
        }
        for number, code, error in ((1, 500, "The sink answered 500."), (2, 204, ""))
    ]
    other = address(make_exporter(), "deliveries")
    for wrong in (f"{other}/{delivery.pk}", f"{path}{'9' * 30}", f"{other}/0"):
        assert api.get(wrong).status_code == 404


@pytest.mark.main_path
def test_event_tells_what_became_of_it_at_each_exporter(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    event = make_event()
    first, second = make_exporter(name="first"), make_exporter(name="second")
    make_delivery(second, event, attempts=3)
    make_delivery(first, event, state="delivered", attempts=1, delivered_at=NOON)
    # Its month, the event, its tyres, where it was delivered, the audit log.
    with django_assert_num_queries(5):
        exports = api.get(f"/api/v1/events/{event.pk}").json()["exports"]
    assert exports == [
        {
            "exporter": first.pk,
            "name": "first",
            "status": "delivered",
            "attempts": 1,
            "delivered_at": "2026-11-20T12:00:00Z",
        },
        {
            "exporter": second.pk,
            "name": "second",
            "status": "pending",
            "attempts": 3,
            "delivered_at": None,
        },
    ]
