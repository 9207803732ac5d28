from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection
from pytest_django import Settings

from events.stream.dispatch import dispatch
from events.tests.conftest import Sender, make_sender
from events.tests.factories import reading
from exporters import lane, lanes, recorder
from exporters.delivery import fan_out, record
from exporters.lanes import Lanes
from exporters.models import Delivery, ExporterConfig
from exporters.tests.factories import make_exporter
from exporters.tests.sinks import OK, Reply, Request, Sink, status

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quick(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.EXPORT_ALLOW_NETWORKS = ["127.0.0.0/8"]
    monkeypatch.setattr(lanes, "TEND_S", 0.0)
    monkeypatch.setattr(lane, "LOOK_S", 0.05)
    monkeypatch.setattr(recorder, "AFTER_FAILURE_S", 0.05)


@pytest.fixture
def running() -> Iterator[Lanes]:
    made = Lanes()
    yield made
    made.stop(10)


def send(count: int, sender: Sender | None = None) -> None:
    sender = sender or make_sender()
    for number in range(count):
        event = json.dumps(reading(plate=f"A{number}"))
        assert sender.post(event).status_code == 201
    dispatch(fan_out)


def eventually(fact: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, list(Delivery.objects.values())
        time.sleep(0.02)


def delivered(exporter: ExporterConfig) -> int:
    return Delivery.objects.filter(exporter=exporter, state="delivered").count()


def to(sink: Sink, **fields: Any) -> ExporterConfig:
    retry = {"max_attempts": 3, "base_delay_s": 0.1, "timeout_s": 2}
    return make_exporter(config={"url": sink.url}, **{"retry": retry} | fields)


@pytest.mark.main_path
def test_every_event_arrives_and_is_in_the_ledger(running: Lanes) -> None:
    with Sink() as sink:
        exporter = to(sink)
        running.tend()
        send(30)
        running.wake()
        eventually(lambda: delivered(exporter) == 30)
        running.stop(5)
        ids = {request.headers["webhook-id"] for request in sink.requests}
        plates = {json.loads(request.body)["data"]["plate"] for request in sink.requests}
    assert len(sink.requests) == len(ids) == len(plates) == 30
    tried = Delivery.objects.first()
    assert tried is not None
    assert tried.tries.get().code == 204


def test_failures_are_tried_again_and_poison_blocks_nobody(running: Lanes) -> None:
    seen: set[str] = set()

    def reply(request: Request) -> Reply:
        plate = json.loads(request.body)["data"]["plate"]
        if plate == "A3":
            return status(400)
        if plate not in seen:
            seen.add(plate)
            return status(500)
        return OK

    with Sink(reply) as sink:
        exporter = to(sink)
        send(6)
        running.tend()
        eventually(lambda: not Delivery.objects.filter(state="pending").exists(), 30)
        running.stop(5)
    assert delivered(exporter) == 5
    dead = Delivery.objects.get(state="dead")
    assert dead.event.plate == "A3"
    assert [tried.code for tried in dead.tries.all()] == [400, 400, 400]


def test_black_hole_holds_up_nobody_else(running: Lanes) -> None:
    release = threading.Event()

    def never(request: Request) -> Reply:
        release.wait(30)
        return OK

    with Sink(never) as hole, Sink() as sink:
        stuck, fine = to(hole), to(sink)
        running.tend()
        send(10)
        running.wake()
        started = time.monotonic()
        eventually(lambda: delivered(fine) == 10)
        assert time.monotonic() - started < 25
        assert delivered(stuck) == 0
        release.set()
        running.stop(10)


def test_changed_exporter_gets_a_new_lane_and_a_disabled_one_none(running: Lanes) -> None:
    with Sink() as old, Sink() as new:
        exporter = to(old)
        running.tend()
        exporter.config = {"url": new.url}
        exporter.save()
        running.tend()
        send(3)
        running.wake()
        eventually(lambda: delivered(exporter) == 3)
        assert not old.requests
        exporter.enabled = False
        exporter.save()
        running.tend()
        send(1)
        exporter.enabled = True
        exporter.save()
        running.tend()
        send(1)
        eventually(lambda: delivered(exporter) == 4)


def test_exporter_whose_secret_is_lost_stops_nobody(running: Lanes) -> None:
    with Sink() as sink:
        ExporterConfig.objects.filter(pk=make_exporter().pk).update(auth="")
        exporter = to(sink)
        running.tend()
        send(2)
        running.wake()
        eventually(lambda: delivered(exporter) == 2)


def test_lane_survives_the_database(running: Lanes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outcomes that could not be written down wait for the database; nothing is sent twice."""
    failures = iter([OperationalError("gone"), OperationalError("gone")])

    def flaky(*arguments: Any) -> None:
        for error in failures:
            raise error
        record(*arguments)

    monkeypatch.setattr(recorder, "record", flaky)
    with Sink() as sink:
        exporter = to(sink)
        send(5)
        running.tend()
        eventually(lambda: delivered(exporter) == 5)
        running.stop(5)
    assert len(sink.requests) == 5


def test_stop_waits_for_what_is_under_way(running: Lanes) -> None:
    def slow(request: Request) -> Reply:
        time.sleep(0.5)
        return OK

    with Sink(slow) as sink:
        exporter = to(sink)
        send(3)
        running.tend()
        eventually(lambda: len(sink.requests) == 3)
        running.stop(10)
        assert delivered(exporter) == 3


def test_bug_in_the_payload_is_an_attempt_like_any_other(
    running: Lanes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr("exporters.payload.build", broken)
    with Sink() as sink:
        to(sink)
        send(1)
        running.tend()
        eventually(lambda: Delivery.objects.filter(state="dead").exists())
        running.stop(5)
    assert Delivery.objects.get().last_error == "internal ZeroDivisionError"
    connection.close()
