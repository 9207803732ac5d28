from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from anpr_project.lib.tests.config_contract import raw
from anpr_project.lib.tests.factories import make_user
from anpr_project.lib.tests.hostile_input import HOSTILE_BODIES, ODD_VALUES
from events.tests.rows import make_event
from exporters.models import ExporterConfig
from exporters.tests.factories import address, make_delivery, make_exporter
from exporters.tests.sinks import Sink

HOUR = timedelta(hours=1)


def make_for(sink: Sink, **fields: Any) -> ExporterConfig:
    return make_exporter(config={"url": sink.url}, **fields)


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
