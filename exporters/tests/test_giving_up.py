"""When nothing gets through any more: who is disabled, when, how one learns of it, what is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient

from audit.models import AuditEntry
from exporters.giving_up import REASON
from exporters.models import Delivery, ExporterConfig
from exporters.tests.factories import address, make_exporter
from exporters.tests.test_delivery import attempt, send, states
from exporters.transports import Receipt, TransportError

pytestmark = pytest.mark.django_db

URL = "/api/v1/exporters"
BEGINNING: tuple[bool, object] = (False, None)
REFUSED = TransportError("refused", code=400)


def fail_at(*hours: float) -> ExporterConfig:
    """Let attempts fail at these times, from a first one on; return the exporter after that."""
    exporter, begun = make_exporter(retry={"max_attempts": 100}), timezone.now()
    with time_machine.travel(begun, tick=False) as clock:
        send()
        for hour in hours:
            clock.move_to(begun + timedelta(hours=hour))
            Delivery.objects.update(next_attempt_at=timezone.now(), created_at=timezone.now())
            attempt(exporter, REFUSED)
    exporter.refresh_from_db()
    return exporter


@pytest.mark.parametrize(
    ("hours", "disabled"),
    [
        ((0, 13, 119.9), False),
        ((0, 13, 120), True),
        # Nothing in twelve hours says that it lasts, or too little does.
        ((0, 11, 121), False),
        ((0, 130), False),
        # The clock runs from the first of two that do.
        ((0, 30, 45, 149), False),
        ((0, 30, 45, 150), True),
    ],
)
def test_disabled_after_five_days_of_only_failures(
    hours: tuple[float, ...], disabled: bool
) -> None:
    exporter = fail_at(*hours)
    assert (exporter.enabled, exporter.disabled_reason) == (
        (False, REASON) if disabled else (True, "")
    )
    assert states() == ["pending"]


def test_one_success_starts_afresh() -> None:
    exporter = fail_at(0, 13, 100)
    assert exporter.failing_since is not None
    send()
    fresh = Delivery.objects.latest("id")
    Delivery.objects.exclude(pk=fresh.pk).update(next_attempt_at=timezone.now() + timedelta(days=9))
    attempt(exporter, Receipt())
    exporter.refresh_from_db()
    assert (exporter.failing_steadily, exporter.failing_since) == BEGINNING


@pytest.mark.parametrize("gone", [True, False])
def test_reason_is_in_the_api_the_audit_log_and_a_metric_until_it_is_enabled(
    api: APIClient, gone: bool
) -> None:
    if gone:
        exporter = make_exporter()
        send()
        attempt(exporter, TransportError("410 Gone", code=410, gone=True))
    else:
        exporter = fail_at(0, 13, 120)
    reason = "410 Gone" if gone else REASON
    shown = api.get(f"{URL}/{exporter.pk}").json()
    assert (shown["enabled"], shown["state"]["disabled_reason"]) == (False, reason)
    entry = AuditEntry.objects.get(actor="worker")
    assert (entry.reason, entry.subject["fields"]) == (reason, {"enabled": [True, False]})
    metrics = api.get("/metrics").content.decode()
    assert f'anpr_export_disabled{{exporter="{exporter.name}"}} 1.0' in metrics

    assert api.post(address(exporter, "enable")).status_code == 200
    exporter.refresh_from_db()
    assert (exporter.enabled, exporter.disabled_reason) == (True, "")
    assert (exporter.failing_steadily, exporter.failing_since) == BEGINNING
    Delivery.objects.update(next_attempt_at=timezone.now())
    attempt(exporter, Receipt())
    assert states() == ["delivered"]


def test_events_of_the_time_when_it_was_disabled_can_be_asked_for(api: APIClient) -> None:
    exporter = fail_at(0, 13, 120)
    begun = timezone.now() - timedelta(minutes=1)
    send()
    assert Delivery.objects.count() == 1
    api.patch(f"{URL}/{exporter.pk}", {"enabled": True}, format="json")
    body = {"from": begun.isoformat(), "missing": True}
    assert api.post(address(exporter, "redeliver"), body, format="json").json() == {"queued": 1}
    assert ExporterConfig.objects.get().disabled_reason == ""
