"""When the sink as a whole is to blame: what opens the circuit, who probes, what is spared."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from cameras.tests.factories import make_camera
from events.tests.conftest import make_sender
from exporters.configuration import read
from exporters.delivery import LONGEST_PAUSE_S, OPEN_AFTER, Claimed, Sent, claim_due, record
from exporters.models import Delivery
from exporters.tests.factories import make_exporter
from exporters.tests.test_delivery import UNREACHABLE, attempt, send, states
from exporters.transports import Receipt

pytestmark = pytest.mark.django_db


def test_circuit_opens_and_spares_the_backlog() -> None:
    exporter = make_exporter()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        send(OPEN_AFTER + 3)
        for _ in range(OPEN_AFTER):
            assert exporter.paused_until is None
            attempt(exporter, UNREACHABLE, limit=1)
        pauses = []
        for _ in range(9):
            assert exporter.paused_until is not None
            pauses.append((exporter.paused_until - timezone.now()).total_seconds())
            clock.shift(pauses[-1])
            attempt(exporter, UNREACHABLE, limit=1)
        assert pauses == [5, 10, 20, 40, 60, 60, 60, 60, 60]
        # Each of the first five cost its message an attempt; the probes cost nobody one.
        assert sum(Delivery.objects.values_list("attempts", flat=True)) == OPEN_AFTER
        assert attempt(exporter, Receipt(), limit=1) == [], "it pauses"
        clock.shift(pauses[-1])
        attempt(exporter, Receipt(), limit=1)
    exporter.refresh_from_db()
    assert (exporter.failures, exporter.paused_until) == (0, None)


def test_what_was_under_way_when_the_sink_failed_counts_as_one_failure() -> None:
    exporter = make_exporter()
    settings = read(exporter)
    started = timezone.now()
    with time_machine.travel(started, tick=False) as clock:
        send(OPEN_AFTER + 3)
        for straggler in claim_due(exporter, settings, OPEN_AFTER + 3):
            clock.shift(1)
            record(exporter, settings, [Sent(straggler, UNREACHABLE, started, 1000)])
    exporter.refresh_from_db()
    assert (exporter.failures, exporter.paused_until) == (1, None)


def test_sink_that_never_answers_opens_it_although_attempts_overlap() -> None:
    """While one attempt waits for its time to be up another always ends: that hides nothing."""
    exporter = make_exporter()
    settings = read(exporter)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        send(OPEN_AFTER * 3)
        under_way: list[tuple[Claimed, datetime]] = []
        while exporter.paused_until is None:
            (claimed,) = claim_due(exporter, settings, 1)
            under_way.append((claimed, timezone.now()))
            clock.shift(settings.retry.timeout_s / 2)
            if len(under_way) == 2:
                ended, started = under_way.pop(0)
                record(exporter, settings, [Sent(ended, UNREACHABLE, started, 15_000)])
    assert exporter.failures == OPEN_AFTER
    assert exporter.paused_until is not None


def test_one_message_that_its_sink_chokes_on_opens_no_circuit() -> None:
    """It fails as if the sink were away; only other messages can tell that it is not."""
    exporter = make_exporter()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        send()
        for _ in range(OPEN_AFTER + 1):
            assert len(attempt(exporter, UNREACHABLE)) == 1
            clock.move_to(Delivery.objects.get().next_attempt_at + timedelta(seconds=1))
        assert Delivery.objects.get().attempts == OPEN_AFTER + 1
        exporter.refresh_from_db()
        assert (exporter.failures, exporter.paused_until) == (1, None)
        Delivery.objects.all().again(timezone.now())
        attempt(exporter, UNREACHABLE)
        assert exporter.failures == 2, "sent again, it counts again"


def test_probe_is_the_newest_message_that_never_failed() -> None:
    exporter = make_exporter()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        send(OPEN_AFTER)
        for _ in range(OPEN_AFTER):
            attempt(exporter, UNREACHABLE, limit=1)
        clock.shift(3600)
        for plate in ("B1", "B2"):
            send(plate=plate)
        assert [one.event.plate for one in attempt(exporter, UNREACHABLE, limit=1)] == ["B2"]
        clock.shift(3600)
        assert [one.event.plate for one in attempt(exporter, UNREACHABLE, limit=1)] == ["B1"]
        clock.shift(3600)
        assert len(attempt(exporter, Receipt(), limit=1)) == 1, "then the oldest"


def test_message_of_a_sink_that_stays_away_dies_when_its_schedule_is_over() -> None:
    exporter = make_exporter(retry={"max_attempts": 3, "base_delay_s": 1, "timeout_s": 1})
    exporter.failures = OPEN_AFTER
    exporter.save()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        send()
        clock.shift(3600)  # the worker was away: this is no reason to give up
        attempt(exporter, UNREACHABLE)
        assert states() == ["pending"]
        clock.shift(3600)
        attempt(exporter, UNREACHABLE)
    assert states() == ["dead"]


def test_head_of_each_camera_waits_no_longer_than_the_circuit_while_the_sink_is_away() -> None:
    """An exporter that keeps the order has nothing else to try than what has failed already."""
    exporter = make_exporter(ordered=True)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        sender = make_sender(camera=make_camera())
        for plate in ("A1", "A2", "A3"):
            send(sender=sender, plate=plate)
        back = timezone.now() + timedelta(hours=12)
        while timezone.now() < back:
            attempt(exporter, UNREACHABLE)
            clock.shift(60 if exporter.failures < OPEN_AFTER else LONGEST_PAUSE_S)
        tried = Delivery.objects.order_by("id").values_list("attempts", flat=True)
        assert list(tried) == [1, 0, 0]
        clock.shift(LONGEST_PAUSE_S)
        for plate in ("A1", "A2", "A3"):
            assert [one.event.plate for one in attempt(exporter, Receipt())] == [plate]


def test_head_that_its_sink_chokes_on_is_given_up_while_other_cameras_get_through() -> None:
    exporter = make_exporter(ordered=True, retry={"max_attempts": 3, "base_delay_s": 1})
    with time_machine.travel(timezone.now(), tick=False) as clock:
        poison, good = make_sender(camera=make_camera()), make_sender(camera=make_camera())
        send(sender=poison)
        for _ in range(3):
            attempt(exporter, UNREACHABLE)
            send(sender=good)
            attempt(exporter, Receipt())
            clock.shift(3600)
    assert states() == ["dead", "delivered", "delivered", "delivered"]
