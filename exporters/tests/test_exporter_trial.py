from __future__ import annotations

import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache.backends.locmem import LocMemCache
from pytest_django import Settings
from redis.exceptions import ConnectionError as RedisConnectionError
from rest_framework.test import APIClient
from standardwebhooks import Webhook

from anpr_project.lib.tests.factories import make_user
from events.models import PlateEvent
from exporters.models import Delivery, ExporterConfig
from exporters.tests.factories import SECRET, address, make_exporter
from exporters.tests.sinks import Sink, status
from exporters.throttle import seconds_to_wait
from exporters.transports import TransportError
from exporters.transports.webhook import WebhookTransport


def make_for(sink: Sink, **fields: Any) -> ExporterConfig:
    return make_exporter(config={"url": sink.url}, **fields)


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
    monkeypatch.setattr("exporters.throttle.LIMIT", 0)
    assert api.post(address(make_for(sink), "test")).status_code == 200


def test_failure_that_is_no_answer_has_no_code(
    api: APIClient, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Any, message: Any) -> None:
        raise TransportError("The sink cannot be reached.", unreachable=True)

    monkeypatch.setattr(WebhookTransport, "send", fail)
    answer = api.post(address(make_for(sink), "test")).json()
    assert (answer["code"], answer["error"]) == (None, "The sink cannot be reached.")


def test_all_processes_count_in_redis_and_its_loss_stops_nobody(settings: Settings) -> None:
    if not settings.REDIS:
        pytest.skip("the embedded shape has no Redis")
    user = SimpleNamespace(pk=uuid.uuid4().hex)
    backend = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {
        "default": {"BACKEND": backend, "LOCATION": "redis://", "OPTIONS": settings.REDIS}
    }
    waits = [seconds_to_wait(user) for _ in range(6)]
    assert waits[:5] == [0] * 5
    assert 1 <= waits[5] <= 60
    away = settings.REDIS | {"port": 1}
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "redis://", "OPTIONS": away}}
    assert seconds_to_wait(user) == 0
