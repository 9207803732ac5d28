from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from anpr_project.lib.tests.config_contract import fields_of
from events.tests.rows import NOON, make_event
from exporters import redelivery
from exporters.tests.factories import address, make_delivery, make_exporter

HOUR = timedelta(hours=1)


@pytest.mark.main_path
def test_named_deliveries_are_sent_again(api: APIClient) -> None:
    exporter = make_exporter()
    dead = make_delivery(exporter, make_event(), state="dead", attempts=10)
    left = make_delivery(exporter, make_event(), state="dead", attempts=10)
    response = api.post(address(exporter, "redeliver"), {"ids": [dead.pk]})
    assert (response.status_code, response.json()) == (202, {"queued": 1})
    dead.refresh_from_db()
    left.refresh_from_db()
    assert (dead.state, dead.attempts, left.state) == ("pending", 0, "dead")
    assert dead.next_attempt_at <= timezone.now()


@pytest.mark.main_path
@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({}, {"dead", "delivered"}),
        ({"state": "dead"}, {"dead"}),
        ({"state": "delivered"}, {"delivered"}),
    ],
)
def test_a_range_is_sent_again_in_batches(
    api: APIClient, monkeypatch: pytest.MonkeyPatch, extra: dict[str, str], expected: set[str]
) -> None:
    monkeypatch.setattr(redelivery, "BATCH", 2)
    exporter, other = make_exporter(), make_exporter()
    for state in ("dead", "delivered"):
        for minutes in (-61, 0, 1, 2, 59, 60):
            event = make_event(received_at=NOON + timedelta(minutes=minutes))
            make_delivery(exporter, event, state=state)
            make_delivery(other, event, state=state)
    wanted = {"from": "2026-11-20T12:00:00Z", "to": "2026-11-20T14:00:00+01:00"} | extra
    response = api.post(address(exporter, "redeliver"), wanted)
    assert response.json() == {"queued": 4 * len(expected)}
    inside = exporter.delivery_set.filter(
        event__received_at__gte=NOON, event__received_at__lt=NOON + HOUR
    )
    for state in ("dead", "delivered"):
        assert inside.filter(state=state).count() == (0 if state in expected else 4)
    assert exporter.delivery_set.filter(state="pending").count() == 4 * len(expected)
    assert not other.delivery_set.filter(state="pending").exists()


def test_at_most_so_many_are_queued_by_one_request(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redelivery, "BATCH", 2)
    monkeypatch.setattr(redelivery, "MOST", 4)
    exporter = make_exporter()
    for _ in range(5):
        make_delivery(exporter, make_event(), state="dead")
    path, body = address(exporter, "redeliver"), {"from": "2026-01-01T00:00:00Z"}
    assert [api.post(path, body).json()["queued"] for _ in range(3)] == [4, 1, 0]


@pytest.mark.main_path
def test_missing_events_are_fanned_out_on_request_only(api: APIClient) -> None:
    exporter = make_exporter(filters={"plates": ["AB*", "WG4L2M"], "min_confidence": 0.5})
    wanted = make_event("AB12 CDE", position=1)
    exact = make_event("WG4 L2M", position=2, camera_id=None)
    make_event("AB99 XYZ", position=3, confidence=0.4)
    make_event("XX99 XYZ", position=4)
    make_event("AB77 NEW")  # the dispatcher will hand it on itself
    make_event("AB11 OLD", position=5, received_at=NOON - HOUR)
    had = make_delivery(exporter, make_event("AB55 HAD", position=6), state="delivered")
    path, body = address(exporter, "redeliver"), {"from": NOON.isoformat()}
    assert api.post(path, body).json() == {"queued": 1}
    assert exporter.delivery_set.count() == 1
    assert api.post(path, body | {"missing": True}).json() == {"queued": 2}
    rows = exporter.delivery_set.exclude(pk=had.pk)
    assert {row.event_id: row.camera for row in rows} == {wanted.pk: wanted.camera_id, exact.pk: 0}
    assert api.post(path, body | {"missing": True}).json() == {"queued": 0}


def test_missing_events_keep_their_order_whatever_they_say_of_their_time(api: APIClient) -> None:
    exporter = make_exporter(filters={}, ordered=True)
    received_at = NOON + HOUR
    events = [
        make_event(captured_at=NOON - HOUR * age, received_at=received_at, position=age + 1)
        for age in (1, 3, 2)
    ]
    body = {"from": NOON.isoformat(), "missing": True}
    assert api.post(address(exporter, "redeliver"), body).json() == {"queued": 3}
    made = exporter.delivery_set.order_by("id").values_list("event", flat=True)
    assert list(made) == [event.pk for event in events]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "from"),
        ({"ids": []}, "ids"),
        ({"ids": [0]}, "ids.0"),
        ({"ids": ["1"]}, "ids.0"),
        ({"ids": [999_999]}, "ids.0"),
        ({"ids": [1] * 1001}, "ids"),
        ({"ids": [1], "missing": True}, "ids"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2026-11-20T12:00:00"}, "from"),
        ({"from": 7}, "from"),
        ({"from": "2026-11-20T12:00:00Z", "to": "2026-11-20T12:00:00Z"}, "to"),
        ({"from": "2026-11-20T12:00:00Z", "to": "\x00"}, "to"),
        ({"from": "2026-11-20T12:00:00Z", "state": "lost"}, "state"),
        ({"from": "2026-11-20T12:00:00Z", "all": True}, "all"),
    ],
)
def test_wrong_redelivery_is_refused_and_named(
    api: APIClient, body: dict[str, Any], field: str
) -> None:
    response = api.post(address(make_exporter(), "redeliver"), body)
    assert response.status_code == 400, response.content
    assert fields_of(response) == {field}
