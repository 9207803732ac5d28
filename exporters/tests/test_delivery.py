from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from cameras.tests.factories import make_camera
from events.models import PlateEvent
from events.stream.dispatch import dispatch
from events.tests.conftest import Sender, make_sender
from events.tests.factories import reading
from exporters.configuration import read
from exporters.delivery import Claimed, Sent, claim_due, fan_out, lease, record
from exporters.models import Delivery, DeliveryAttempt, ExporterConfig
from exporters.retry import STANDARD_S, RetryPolicy
from exporters.tests.factories import make_exporter
from exporters.transports import Outcome, Receipt, TransportError

pytestmark = pytest.mark.django_db

UNREACHABLE = TransportError("no connection", unreachable=True)


def send(count: int = 1, sender: Sender | None = None, **fields: Any) -> None:
    sender = sender or make_sender()
    for _ in range(count):
        assert sender.post(json.dumps(reading(**fields))).status_code == 201
    dispatch(fan_out)


def attempt(exporter: ExporterConfig, outcome: Outcome, limit: int = 100) -> list[Claimed]:
    """Claim what is due and record the same outcome for all of it."""
    settings = read(exporter)
    claimed = claim_due(exporter, settings, limit)
    now = timezone.now()
    record(exporter, settings, [Sent(one, outcome, now, 12.5) for one in claimed])
    return claimed


def states() -> list[str]:
    return list(Delivery.objects.order_by("id").values_list("state", flat=True))


@pytest.mark.main_path
def test_each_enabled_exporter_gets_each_matching_event() -> None:
    sender, other = make_sender(), make_sender()
    everything = make_exporter()
    chosen = make_exporter(
        filters={"cameras": [sender.sensor.camera_id], "plates": ["AB*"], "min_confidence": 0.9}
    )
    make_exporter(enabled=False)
    send(sender=sender, plate="AB1")
    send(sender=sender, plate="XY1")
    send(sender=sender, plate="AB2", confidence=0.5)
    send(sender=other, plate="AB3")
    assert Delivery.objects.filter(exporter=everything).count() == 4
    assert [row.event.plate for row in Delivery.objects.filter(exporter=chosen)] == ["AB1"]
    assert dispatch(fan_out) is None


def test_fan_out_costs_the_same_queries_whatever_the_number_of_events(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    make_exporter()
    send(3)
    events = list(PlateEvent.objects.all())
    Delivery.objects.all().delete()
    with django_assert_num_queries(2):
        assert fan_out(events) == 3


@pytest.mark.main_path
def test_deliveries_are_made_as_the_model_makes_them_in_the_order_of_their_events() -> None:
    exporters = [make_exporter(), make_exporter()]
    sender = make_sender()
    send(3, sender=sender)
    events = list(PlateEvent.objects.order_by("id"))
    rows = list(Delivery.objects.order_by("id"))

    given = ("exporter_id", "event_id", "camera")
    assert [tuple(getattr(row, name) for name in given) for row in rows] == [
        (exporter.pk, event.pk, sender.sensor.camera_id or 0)
        for exporter in exporters
        for event in events
    ]
    usual = Delivery()
    for row in rows:
        assert row.next_attempt_at == row.created_at
        for field in Delivery._meta.concrete_fields:
            if field.attname not in {*given, "id", "created_at", "next_attempt_at"}:
                assert getattr(row, field.attname) == getattr(usual, field.attname), field


def test_unreadable_filters_let_everything_through() -> None:
    make_exporter(filters={"of a newer program": 1})
    send()
    assert Delivery.objects.count() == 1


@pytest.mark.main_path
def test_claimed_delivery_is_nobody_elses_until_its_lease_ends() -> None:
    exporter = make_exporter()
    settings = read(exporter)
    send(3)
    assert len(claim_due(exporter, settings, 2)) == 2
    assert len(claim_due(exporter, settings, 2)) == 1
    assert claim_due(exporter, settings, 2) == []
    with time_machine.travel(timezone.now() + lease(settings), tick=False):
        assert len(claim_due(exporter, settings, 5)) == 3


@pytest.mark.main_path
def test_nothing_is_claimed_once_anybody_has_written_that_the_sink_wants_no_more() -> None:
    stale = make_exporter()
    settings, row = read(stale), ExporterConfig.objects.filter(pk=stale.pk)
    send()
    row.update(enabled=False)
    assert claim_due(stale, settings, 1) == []
    row.update(enabled=True, paused_until=timezone.now() + timedelta(seconds=60))
    assert claim_due(stale, settings, 1) == []
    row.update(paused_until=timezone.now())
    assert len(claim_due(stale, settings, 1)) == 1


@pytest.mark.main_path
def test_success_is_written_down() -> None:
    exporter = make_exporter(failures=7, paused_until=timezone.now())
    send(2)
    attempt(exporter, Receipt(code=204))
    exporter.refresh_from_db()
    assert states() == ["delivered", "delivered"]
    assert exporter.last_success_at is not None
    assert (exporter.failures, exporter.paused_until) == (0, None)
    tried = DeliveryAttempt.objects.first()
    assert tried is not None
    assert (tried.succeeded, tried.code, tried.duration_ms, tried.error) == (True, 204, 12.5, "")
    assert attempt(exporter, Receipt()) == []


@pytest.mark.main_path
def test_schedule_is_the_standard_one_and_ends_in_a_dead_letter() -> None:
    """Three days in frozen time: each attempt within 20 % of its delay, dead after the tenth."""
    exporter = make_exporter()
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        send()
        for delay in STANDARD_S:
            assert len(attempt(exporter, TransportError("refused", code=400))) == 1
            wait = Delivery.objects.get().next_attempt_at - timezone.now()
            assert timedelta(seconds=delay * 0.79) < wait < timedelta(seconds=delay * 1.21)
            clock.shift(wait - timedelta(seconds=0.1))
            assert attempt(exporter, TransportError("refused")) == []
            clock.shift(timedelta(seconds=0.2))
        assert states() == ["pending"]
        attempt(exporter, TransportError("refused for good", code=400))
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("dead", 10)
    assert delivery.last_error == "refused for good"
    assert delivery.tries.count() == 10


def test_own_policy_is_obeyed() -> None:
    exporter = make_exporter(
        retry={"max_attempts": 2, "base_delay_s": 1, "jitter": False, "timeout_s": 1}
    )
    with time_machine.travel(timezone.now(), tick=False) as clock:
        send()
        attempt(exporter, TransportError("no"))
        assert Delivery.objects.get().next_attempt_at - timezone.now() == timedelta(seconds=1)
        clock.shift(1)
        attempt(exporter, TransportError("no"))
    assert states() == ["dead"]


def test_permanent_failure_is_a_dead_letter_at_once_and_can_be_sent_again() -> None:
    exporter = make_exporter()
    send()
    attempt(exporter, TransportError("too large", permanent=True))
    assert states() == ["dead"]
    assert Delivery.objects.all().again(timezone.now()) == 1
    attempt(exporter, Receipt())
    assert states() == ["delivered"]


def test_gone_disables_the_exporter_and_keeps_what_waits() -> None:
    exporter = make_exporter()
    send(2)
    attempt(exporter, TransportError("410 Gone", code=410, gone=True), limit=1)
    exporter.refresh_from_db()
    assert not exporter.enabled
    assert exporter.last_error == "410 Gone"
    assert states() == ["pending", "pending"]
    assert not Delivery.objects.filter(attempts__gt=0).exists()


def test_retry_after_pauses_the_exporter_without_burning_attempts() -> None:
    exporter = make_exporter()
    send()
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        attempt(exporter, TransportError("slow down", code=429, retry_after=120))
    exporter.refresh_from_db()
    assert exporter.paused_until == now + timedelta(seconds=120)
    assert Delivery.objects.get().attempts == 0


def test_retry_after_holds_for_the_message_and_although_others_got_through() -> None:
    exporter = make_exporter(retry={"max_attempts": 3, "base_delay_s": 1, "timeout_s": 1})
    settings = read(exporter)
    send(2)
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        refused, under_way = claim_due(exporter, settings, 2)
        busy = TransportError("slow down", code=429, retry_after=120)
        record(exporter, settings, [Sent(refused, busy, now, 1)])
        record(exporter, settings, [Sent(under_way, Receipt(), now, 1)])
    exporter.refresh_from_db()
    waits_until = Delivery.objects.get(pk=refused.pk).next_attempt_at
    assert exporter.paused_until == waits_until == now + timedelta(seconds=120)


@pytest.mark.main_path
def test_ordered_exporter_sends_one_of_each_camera_at_a_time() -> None:
    exporter = make_exporter(ordered=True)
    one, two = make_sender(camera=make_camera()), make_sender(camera=make_camera())
    for plate in ("A1", "A2", "A3"):
        send(sender=one, plate=plate)
    send(sender=two, plate="B1")

    def sent(outcome: Outcome) -> set[str]:
        return {delivery.event.plate for delivery in attempt(exporter, outcome)}

    assert sent(Receipt()) == {"A1", "B1"}
    assert sent(TransportError("no")) == {"A2"}
    assert sent(Receipt()) == set(), "A3 must wait for A2"
    Delivery.objects.filter(state="pending").update(next_attempt_at=timezone.now())
    assert sent(TransportError("never", permanent=True)) == {"A2"}
    assert sent(Receipt()) == {"A3"}


def test_first_of_each_camera_is_found_without_a_look_at_the_backlog() -> None:
    exporter = make_exporter(ordered=True)
    Delivery.objects.bulk_create(
        Delivery(exporter=exporter, event_id=number, camera=number % 3) for number in range(1000)
    )
    due = Delivery.objects.due(exporter, timezone.now())
    assert sorted(due.values_list("event_id", flat=True)) == [0, 1, 2]
    plan = due[:16].explain(analyze=True, buffers=True)
    blocks = re.search(r"shared hit=(\d+)", plan)
    assert blocks
    assert int(blocks[1]) < 200, plan


def test_what_was_deleted_while_under_way_stops_nobody() -> None:
    exporter = make_exporter()
    settings = read(exporter)
    send(3)
    first, second, third = claim_due(exporter, settings, 3)
    now = timezone.now()
    PlateEvent.objects.filter(pk=first.event.id).delete()
    record(exporter, settings, [Sent(one, Receipt(), now, 1) for one in (first, second)])
    assert states() == ["delivered", "pending"]
    ExporterConfig.objects.filter(pk=exporter.pk).delete()
    record(exporter, settings, [Sent(third, UNREACHABLE, now, 1)])
    assert states() == []


def test_recording_costs_few_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    exporter = make_exporter()
    send(30)
    settings = read(exporter)
    # savepoint, look, lease, release; the events' months, the events
    with django_assert_num_queries(6):
        claimed = claim_due(exporter, settings, 30)
    now = timezone.now()
    with django_assert_num_queries(6):  # savepoint, look, attempts, deliveries, exporter, release
        record(exporter, settings, [Sent(one, Receipt(), now, 1) for one in claimed])


def test_span_of_the_standard_schedule_is_three_days() -> None:
    policy = RetryPolicy(jitter=False)
    assert sum(STANDARD_S) == 75 * 3600 + 35 * 60 + 5
    assert policy.span > timedelta(seconds=sum(STANDARD_S))
