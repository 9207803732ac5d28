from __future__ import annotations

import json
import threading
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

from cameras.tests.factories import make_camera
from events.ingest import batch
from events.ingest.batch import record_batch
from events.models import EventReceipt, PlateEvent, TpmsReading
from events.tests.conftest import Sender, make_sender
from events.tests.factories import reading
from zones.tests.factories import make_zone

BATCH = "/api/v1/events/ingest/batch"


def post(sender: Sender, events: Any, content_type: str = "application/json") -> Any:
    data = events if isinstance(events, bytes) else json.dumps(events)
    return sender.post(data, content_type, BATCH)


@pytest.mark.main_path
@pytest.mark.parametrize("ndjson", [False, True])
def test_each_event_has_its_result_in_order(sender: Sender, ndjson: bool) -> None:
    good, other = reading(tpms=[{"id": "ff"}]), reading(plate="XY1")
    events = [
        good,
        reading(confidence=7),
        other,
        good,
        good | {"plate": "CHANGED"},
        reading(camera=10**9),
        "x",
    ]
    lines = b"\n".join(json.dumps(event).encode() for event in events) + b"\n\n"
    response = post(sender, lines, "application/x-ndjson") if ndjson else post(sender, events)
    assert response.status_code == 200, response.content
    results = response.json()
    assert [result["status"] for result in results] == [201, 400, 201, 200, 422, 403, 400]
    assert results[3]["id"] == results[0]["id"]
    assert results[0]["event_id"] == good["event_id"]
    assert results[1]["error"]["errors"][0]["field"] == "confidence"
    assert results[4]["error"]["code"] == "content_differs"
    assert {event.plate for event in PlateEvent.objects.all()} == {"AB12 CDE", "XY1"}
    assert TpmsReading.objects.get().event_id == results[0]["id"]


def test_batch_repeated_is_stored_once(sender: Sender) -> None:
    events = [reading() for _ in range(3)]
    first, again = post(sender, events).json(), post(sender, events).json()
    assert [result["status"] for result in again] == [200] * 3
    assert [result["id"] for result in again] == [result["id"] for result in first]
    assert PlateEvent.objects.count() == 3


@pytest.mark.parametrize("place", [0, 1, 2])
def test_repeat_among_new_ones_is_stored_once(sender: Sender, place: int) -> None:
    stored = reading()
    post(sender, [stored])
    events = [reading(), reading()]
    events.insert(place, stored)
    statuses = [result["status"] for result in post(sender, events).json()]
    assert statuses.pop(place) == 200
    assert statuses == [201, 201]
    assert PlateEvent.objects.count() == EventReceipt.objects.count() == 3


def test_one_event_in_place_of_an_array_is_a_batch_of_one(sender: Sender) -> None:
    assert [result["status"] for result in post(sender, reading()).json()] == [201]


def test_batch_and_single_ingest_know_each_other(sender: Sender) -> None:
    event = reading()
    single = sender.post(json.dumps(event)).json()
    assert post(sender, [event]).json()[0] == {
        "status": 200,
        "id": single["id"],
        "event_id": single["event_id"],
    }


def test_excluded_event_of_a_batch_is_not_kept(db: None) -> None:
    zone = make_zone(zone_type="exclusion", space="image")
    sender = make_sender(camera=make_camera(zone, width=100, height=100))
    results = post(sender, [reading(bbox=[1, 1, 2, 2]), reading(bbox=[90, 90, 2, 2])]).json()
    assert [result["status"] for result in results] == [202, 201]
    assert PlateEvent.objects.count() == 1


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="one writer at a time on SQLite")
@pytest.mark.django_db(transaction=True)
def test_race_with_another_connection_stores_once() -> None:
    """The other connection's events are not committed yet when the batch comes."""
    sender, stored, release = make_sender(), threading.Event(), threading.Event()
    same, other = reading(), reading()

    def keep_open() -> None:
        with transaction.atomic():
            raw = [json.dumps(event).encode() for event in (same, other)]
            record_batch(credential=sender.credential, raw_events=raw)
            stored.set()
            release.wait(10)
        connection.close()

    first = threading.Thread(target=keep_open)
    first.start()
    assert stored.wait(10)
    threading.Timer(0.2, release.set).start()
    events = [same, reading(), other | {"plate": "OTHER 1"}]
    results = post(sender, events).json()
    first.join()
    assert [result["status"] for result in results] == [200, 201, 422]
    assert PlateEvent.objects.count() == 3


def test_repeat_of_what_is_being_deleted_is_to_be_sent_again(sender: Sender) -> None:
    event = reading()
    post(sender, [event])
    stored = PlateEvent.objects.get()
    with patch.object(batch, "insert_receipts", return_value={}):
        EventReceipt.objects.all().delete()
        assert post(sender, [event]).json()[0]["status"] == 503
    assert PlateEvent.objects.get().pk == stored.pk


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "batch_size"),
        (b"[]", 400, "batch_size"),
        (b"[" + b",".join([b"{}"] * 1001) + b"]", 400, "batch_size"),
        (b"[{]", 400, "json"),
        (b"[" * 100_000, 400, "depth"),
        (b"[1" + b" " * (16 * 2**20), 413, "too_large"),
    ],
)
def test_wrong_batch_is_refused_whole(sender: Sender, body: bytes, status: int, code: str) -> None:
    response = post(sender, body)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert not PlateEvent.objects.exists()


def test_too_large_event_of_a_batch_is_refused_alone(sender: Sender) -> None:
    results = post(sender, [reading(padding="x" * 70_000), reading()]).json()
    assert [result["status"] for result in results] == [413, 201]


def test_half_a_surrogate_pair_is_refused_alone(sender: Sender) -> None:
    results = post(sender, [reading(plate="\ud800 AB1"), reading(plate="AB2")]).json()
    assert [result["status"] for result in results] == [400, 201]


def test_batch_of_nothing_good_stores_nothing(sender: Sender) -> None:
    assert [r["status"] for r in post(sender, [{}, 1]).json()] == [400, 400]
    assert not PlateEvent.objects.exists()


def test_batch_costs_the_same_queries_whatever_its_size(
    sender: Sender, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    sender.post(json.dumps(reading()))
    for size in (2, 300):
        # key; zones; BEGIN/ids, tyres/COMMIT (a savepoint in a test); a savepoint and COPY of receipts;
        # COPY of events
        with django_assert_num_queries(10 if connection.vendor == "postgresql" else 9):
            post(sender, [reading(tpms=[{"id": "a1"}]) for _ in range(size)])
