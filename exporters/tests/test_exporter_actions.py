from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings
from redis.exceptions import ConnectionError as RedisConnectionError
from rest_framework.test import APIClient
from standardwebhooks import Webhook

from anpr_project.lib.tests.config_contract import fields_of, raw
from anpr_project.lib.tests.factories import make_user
from anpr_project.lib.tests.hostile_input import HOSTILE_BODIES, ODD_VALUES
from events.models import PlateEvent
from events.tests.rows import NOON, make_event
from exporters import redelivery
from exporters.models import Delivery, ExporterConfig
from exporters.tests.factories import SECRET, make_delivery, make_exporter
from exporters.tests.sinks import Sink, status
from exporters.throttle import TrialThrottle
from exporters.transports import TransportError
from exporters.transports.webhook import WebhookTransport

PATH = "/api/v1/exporters"
HOUR = timedelta(hours=1)


def address(exporter: ExporterConfig, action: str) -> str:
    return f"{PATH}/{exporter.pk}/{action}"


@pytest.fixture
def sink(db: None, settings: Settings) -> Iterator[Sink]:
    settings.EXPORT_ALLOW_NETWORKS = ["127.0.0.0/8"]
    with Sink() as running:
        yield running


def make_for(sink: Sink, **fields: Any) -> ExporterConfig:
    return make_exporter(config={"url": sink.url}, **fields)


# ------------------------------------------------------------------------------------- test
def test_sample_goes_the_way_of_events_and_leaves_no_trace(api: APIClient, sink: Sink) -> None:
    exporter = make_for(sink, auth={"type": "signature", "secret": SECRET})
    result = api.post(address(exporter, "test"))
    assert result.status_code == 200, result.content
    answer = result.json()
    assert (answer["delivered"], answer["code"], answer["error"]) == (True, 204, "")
    assert answer["duration_ms"] > 0
    [request] = sink.requests
    assert request.headers["webhook-id"].startswith("test_")
    envelope = Webhook(SECRET).verify(request.body, request.headers)
    assert envelope["type"] == "plate_event.test"
    assert envelope["data"]["plate_normalized"] == "TEST123"
    assert not Delivery.objects.exists()
    assert not PlateEvent.objects.exists()


def test_failed_sample_is_told_and_changes_nothing(api: APIClient, sink: Sink) -> None:
    sink.reply = lambda _: status(500, body=b"<b>canary</b>")
    exporter = make_for(sink, auth={"type": "bearer", "token": "canary"})
    answer = api.post(address(exporter, "test")).json()
    assert (answer["delivered"], answer["code"]) == (False, 500)
    assert answer["error"]
    assert "canary" not in answer["error"]
    exporter.refresh_from_db()
    assert (exporter.failures, exporter.last_error) == (0, "")


def test_gone_sample_disables_nothing(api: APIClient, sink: Sink) -> None:
    sink.reply = lambda _: status(410)
    exporter = make_for(sink)
    assert api.post(address(exporter, "test")).json()["code"] == 410
    exporter.refresh_from_db()
    assert exporter.enabled


def test_transport_that_never_answers_is_given_up(
    api: APIClient, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporters.trial.GRACE_S", -0.45)
    monkeypatch.setattr(WebhookTransport, "start", lambda self, message, done: None)
    exporter = make_for(sink, retry={"timeout_s": 0.5})
    answer = api.post(address(exporter, "test")).json()
    assert (answer["delivered"], answer["error"]) == (False, "timed out")


def test_five_tests_a_minute_and_each_user_has_their_own(api: APIClient, sink: Sink) -> None:
    path = address(make_for(sink), "test")
    assert [api.post(path).status_code for _ in range(6)] == [200] * 5 + [429]
    refused = api.post(path)
    assert refused.json()["code"] == "throttled"
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert len(sink.requests) == 5
    api.force_authenticate(make_user(role="Administrators"))
    assert api.post(path).status_code == 200


@pytest.mark.parametrize("error", [RedisConnectionError, ValueError])
def test_without_a_cache_tests_are_not_counted(
    api: APIClient, sink: Sink, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    class Away(LocMemCache):
        def incr(self, *_: Any, **__: Any) -> int:
            raise error

    monkeypatch.setattr("exporters.throttle.cache", Away("away", {}))
    monkeypatch.setattr(TrialThrottle, "limit", 0)
    assert api.post(address(make_for(sink), "test")).status_code == 200


# ------------------------------------------------------------------------------------- switches
@pytest.mark.main_path
def test_disable_keeps_what_is_pending_and_enable_starts_afresh(api: APIClient) -> None:
    exporter = make_exporter(failures=9, paused_until=timezone.now() + HOUR)
    delivery = make_delivery(exporter, make_event())
    off = api.post(address(exporter, "disable"))
    assert (off.status_code, off.json()["enabled"], off.json()["state"]["pending"]) == (
        200,
        False,
        1,
    )
    exporter.refresh_from_db()
    assert exporter.failures == 9
    on = api.post(address(exporter, "enable"))
    assert (on.json()["enabled"], on.json()["state"]["circuit"]) == (True, "closed")
    before = exporter.updated_at
    exporter.refresh_from_db()
    assert (exporter.failures, exporter.paused_until) == (0, None)
    assert exporter.updated_at > before
    delivery.refresh_from_db()
    assert delivery.state == "pending"


# ------------------------------------------------------------------------------------- deliveries
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
        ("state=%00", 400),
        ("event=abc", 400),
        ("event=" + "9" * 30, 400),
        ("cursor=%00", 200),
        ("cursor=nonsense", 404),
        ("cursor=cD1hYmM%3D", 404),  # p=abc
        ("cursor=cD0lMDA%3D", 404),  # p=%00
        ("cursor=cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk%3D", 404),  # p=999…
        ("limit=0", 200),
        ("limit=abc", 200),
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


# ------------------------------------------------------------------------------------- redelivery
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


@pytest.mark.parametrize("action", ["test", "enable", "disable", "redeliver"])
def test_odd_bodies_never_break_an_action(api: APIClient, sink: Sink, action: str) -> None:
    path = address(make_for(sink), action)
    allowed = (200, 202, 400, 413, 429)
    for text in HOSTILE_BODIES.values():
        assert raw(api, "POST", path, text, "application/json").status_code in allowed
    for value in ODD_VALUES:
        for name in ("ids", "from", "state", "missing"):
            sent = json.dumps({"from": "2026-01-01T00:00:00Z"} | {name: value}).encode()
            assert raw(api, "POST", path, sent, "application/json").status_code in allowed


# ------------------------------------------------------------------------------------- who may
def test_operators_see_deliveries_and_send_again_but_switch_nothing(sink: Sink) -> None:
    exporter = make_for(sink)
    delivery = make_delivery(exporter, make_event(), state="dead")
    client = APIClient()
    client.force_authenticate(make_user(role="Operators"))
    path = address(exporter, "deliveries")
    assert client.get(path).status_code == 200
    assert client.get(f"{path}/{delivery.pk}").status_code == 200
    again = client.post(address(exporter, "redeliver"), {"ids": [delivery.pk]})
    assert again.status_code == 202
    for action in ("test", "enable", "disable"):
        assert client.post(address(exporter, action)).status_code == 403
    assert sink.requests == []
    exporter.refresh_from_db()
    assert exporter.enabled


@pytest.mark.parametrize(("role", "expected"), [("Viewers", 403), (None, 403), ("", 401)])
def test_others_may_nothing(db: None, role: str | None, expected: int) -> None:
    exporter = make_exporter()
    delivery = make_delivery(exporter, make_event(), state="dead")
    client = APIClient()
    if role != "":
        client.force_authenticate(make_user(role=role))
    answers = [
        client.post(address(exporter, action))
        for action in ("test", "enable", "disable", "redeliver")
    ]
    answers += [client.get(address(exporter, "deliveries"))]
    answers += [client.get(f"{address(exporter, 'deliveries')}/{delivery.pk}")]
    assert {answer.status_code for answer in answers} == {expected}
    delivery.refresh_from_db()
    assert delivery.state == "dead"


# ------------------------------------------------------------------------------------- the event
@pytest.mark.main_path
def test_event_tells_what_became_of_it_at_each_exporter(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    event = make_event()
    first, second = make_exporter(name="first"), make_exporter(name="second")
    make_delivery(second, event, attempts=3)
    make_delivery(first, event, state="delivered", attempts=1, delivered_at=NOON)
    with django_assert_num_queries(3):
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


def test_failure_that_is_no_answer_has_no_code(
    api: APIClient, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Any, message: Any) -> None:
        raise TransportError("The sink cannot be reached.", unreachable=True)

    monkeypatch.setattr(WebhookTransport, "send", fail)
    answer = api.post(address(make_for(sink), "test")).json()
    assert (answer["code"], answer["error"]) == (None, "The sink cannot be reached.")
