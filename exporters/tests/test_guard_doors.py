"""Every forbidden target at every door: create, patch, test, deliver. Listeners would hear a knock."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from pytest_django import Settings
from rest_framework.test import APIClient

from events.stream.dispatch import dispatch
from events.tests.conftest import make_sender
from events.tests.factories import reading
from exporters import lane
from exporters.delivery import fan_out
from exporters.lanes import Lanes
from exporters.models import Delivery, DeliveryAttempt
from exporters.network import REFUSED
from exporters.tests.factories import make_exporter
from exporters.tests.sinks import Sink
from exporters.tests.test_webhook_guard import WRITTEN

PATH = "/api/v1/exporters"
TARGETS = WRITTEN.split()


@pytest.fixture
def canaries(settings: Settings) -> Iterator[list[Sink]]:
    settings.EXPORT_ALLOW_NETWORKS = []
    with Sink() as four, Sink(host="::1") as six:
        yield [four, six]
        assert [four.connections, six.connections] == [0, 0]


def resolves(host: str) -> bool:
    try:
        return bool(socket.getaddrinfo(host.strip("[]"), 80))
    except (OSError, UnicodeError):
        return False


def test_no_forbidden_target_passes_the_api(api: APIClient, canaries: list[Sink]) -> None:
    stored = f"{PATH}/{make_exporter().pk}"
    taken = []
    for host in TARGETS:
        config = {"url": f"http://{host}:{canaries[0].port}/"}
        new = {"name": host, "exporter_type": "webhook", "config": config}
        created = api.post(PATH, new)
        patched = api.patch(stored, {"config": config})
        if created.status_code != 400 or patched.status_code != 400:
            taken.append(host)
    # A name that nobody knows is taken, for the name server may be away; it is never delivered to.
    assert [host for host in taken if resolves(host)] == []


def test_no_forbidden_target_passes_the_test_button(api: APIClient, canaries: list[Sink]) -> None:
    for host in TARGETS:
        cache.clear()  # five tests a minute are allowed
        exporter = make_exporter(config={"url": f"http://{host}:{canaries[1].port}/"})
        response = api.post(f"{PATH}/{exporter.pk}/test")
        delivered = response.status_code == 200 and response.json()["delivered"]
        assert response.status_code in (200, 400), response.content
        assert not delivered


@pytest.mark.django_db(transaction=True)
def test_no_forbidden_target_is_delivered_to(
    canaries: list[Sink], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows as an older version, or a changed allow-list, may have left them."""
    monkeypatch.setattr(lane, "LOOK_S", 0.2)
    retry = {"max_attempts": 1, "timeout_s": 2}
    for host in TARGETS:
        make_exporter(config={"url": f"http://{host}:{canaries[0].port}/"}, retry=retry)
    assert make_sender().post(json.dumps(reading())).status_code == 201
    dispatch(fan_out)
    lanes = Lanes()
    lanes.tend()
    deadline = time.monotonic() + 60
    while Delivery.objects.filter(state="pending").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    lanes.stop(10)
    assert Delivery.objects.filter(state="dead").count() == len(TARGETS)
    assert set(DeliveryAttempt.objects.values_list("error", flat=True)) == {REFUSED}
