from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from anpr_project.lib.tests.admin_pages import list_page, page, staff
from events.tests.rows import NOON, make_event
from exporters.models import Delivery, ExporterConfig
from exporters.tests.factories import make_delivery, make_exporter
from exporters.tests.sinks import Sink, status

pytestmark = pytest.mark.django_db
LIST = list_page(ExporterConfig)
BASIC = {"type": "basic", "username": "anpr", "password": "canary-secret"}


def state_page(exporter: ExporterConfig) -> str:
    return reverse("admin:exporters_exporterconfig_state_page", args=[exporter.pk])


def act(client: Client, action: str, *exporters: ExporterConfig) -> str:
    sent = {"action": action, "_selected_action": [one.pk for one in exporters]}
    return str(client.post(LIST, sent, follow=True).content.decode())


def test_no_page_shows_a_secret_not_even_a_read_only_one(client: Client) -> None:
    exporter = make_exporter(auth=BASIC)
    staff(client, "exporters.view_exporterconfig")
    looked = client.get(page(exporter))
    assert "***" in looked.content.decode()
    pages = [looked, client.get(LIST)]
    staff(client, superuser=True)
    pages += [client.get(page(exporter)), client.get(LIST), client.get(page(exporter, "history"))]
    pages += [client.get(page(exporter, "delete")), client.get(state_page(exporter))]
    for answer in pages:
        assert answer.status_code == 200
        assert b"canary" not in answer.content


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "ok"),
        ({"enabled": False}, "disabled"),
        ({"failures": 9}, "open circuit"),
        ({"paused_until": timezone.now() + timedelta(hours=1)}, "paused"),
        ({"paused_until": NOON}, "ok"),
        ({"last_error_at": NOON}, "failing"),
        ({"last_error_at": NOON, "last_success_at": timezone.now()}, "ok"),
    ],
)
def test_list_tells_the_state_at_a_glance(
    client: Client, fields: dict[str, Any], word: str
) -> None:
    staff(client, superuser=True)
    make_exporter(**fields)
    assert f">{word}<" in "".join(client.get(LIST).content.decode().split("\n")).replace("> ", ">")


def test_list_counts_for_all_rows_at_once_and_links_to_them(client: Client) -> None:
    staff(client, superuser=True)
    exporters = [make_exporter() for _ in range(3)]
    for state in ("pending", "dead", "dead", "delivered"):
        make_delivery(exporters[0], make_event(), state=state)
    with CaptureQueriesContext(connection) as queries:
        shown = client.get(LIST).content.decode()
    counting = [one["sql"] for one in queries if "exporters_delivery" in one["sql"]]
    assert len(counting) == 1
    link = f"exporter__id__exact={exporters[0].pk}&amp;state=dead"
    assert f'{link}">2</a>' in shown


# ------------------------------------------------------------------------------------- actions
def test_switches_are_logged(client: Client) -> None:
    staff(client, superuser=True)
    exporter = make_exporter(failures=9)
    assert "is disabled" in act(client, "disable", exporter)
    exporter.refresh_from_db()
    assert not exporter.enabled
    assert "is enabled" in act(client, "enable", exporter)
    exporter.refresh_from_db()
    assert (exporter.enabled, exporter.failures) == (True, 0)
    assert LogEntry.objects.count() == 2


def test_dead_letters_are_sent_again(client: Client) -> None:
    staff(client, superuser=True)
    exporter = make_exporter()
    dead = make_delivery(exporter, make_event(), state="dead")
    sent = make_delivery(exporter, make_event(), state="delivered")
    assert "1 dead letters are sent again" in act(client, "send_dead_again", exporter)
    dead.refresh_from_db()
    sent.refresh_from_db()
    assert (dead.state, sent.state) == ("pending", "delivered")


def test_sample_is_sent_and_its_fate_is_shown(client: Client, sink: Sink) -> None:
    staff(client, superuser=True)
    good = make_exporter(config={"url": sink.url})
    assert "delivered in" in act(client, "test", good)
    sink.reply = lambda _: status(500)
    assert "500" in act(client, "test", good)
    assert "EXPORT_ALLOW_NETWORKS" in act(
        client, "test", make_exporter(config={"url": "http://10.0.0.1"})
    )
    assert [one.headers["webhook-id"][:5] for one in sink.requests[:2]] == ["test_"] * 2


def test_too_many_samples_are_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    staff(client, superuser=True)
    monkeypatch.setattr("exporters.throttle.LIMIT", 0)
    assert "Too many tests" in act(client, "test", make_exporter())


def test_who_may_only_look_gets_no_action(client: Client) -> None:
    exporter = make_exporter()
    make_delivery(exporter, make_event(), state="dead")
    staff(client, "exporters.view_exporterconfig")
    for action in ("test", "enable", "disable", "send_dead_again"):
        act(client, action, exporter)
    exporter.refresh_from_db()
    assert exporter.enabled
    assert Delivery.objects.get().state == "dead"
    staff(client, "exporters.view_exporterconfig", "exporters.redeliver")
    act(client, "send_dead_again", exporter)
    assert Delivery.objects.get().state == "pending"


@pytest.mark.parametrize("where", ["button", "bulk"])
def test_exporter_is_deleted_with_its_deliveries(client: Client, where: str) -> None:
    staff(client, superuser=True)
    exporter = make_exporter()
    make_delivery(exporter, make_event())
    if where == "button":
        response = client.post(page(exporter, "delete"), {"post": "yes"})
    else:
        action = {"action": "delete_selected", "_selected_action": [exporter.pk], "post": "yes"}
        response = client.post(LIST, action)
    assert response.status_code == 302
    assert not ExporterConfig.objects.exists()
    assert not Delivery.objects.exists()


# --------------------------------------------------------------------------- the page of its state
@pytest.mark.main_path
def test_page_of_the_state_tells_it_and_sends_a_sample(client: Client, sink: Sink) -> None:
    staff(client, superuser=True)
    exporter = make_exporter(config={"url": sink.url}, failures=9)
    make_delivery(exporter, make_event(), state="dead")
    assert "open circuit" in client.get(state_page(exporter)).content.decode()
    response = client.post(state_page(exporter), {"do": "test"}, follow=True)
    assert "delivered in" in response.content.decode()
    sink.reply = lambda _: status(500)
    told = client.post(state_page(exporter), {"do": "test"}, follow=True).content.decode()
    assert "not delivered after" in told
    assert "code 500" in told
    client.post(state_page(exporter), {"do": "send_dead_again"})
    assert Delivery.objects.get().state == "pending"
    client.post(state_page(exporter), {"do": "disable"})
    exporter.refresh_from_db()
    assert not exporter.enabled


def test_page_of_the_state_offers_only_what_is_allowed(client: Client) -> None:
    exporter = make_exporter()
    make_delivery(exporter, make_event(), state="dead")
    staff(client, "exporters.view_exporterconfig", "exporters.redeliver")
    content = client.get(state_page(exporter)).content.decode()
    assert 'value="send_dead_again"' in content
    assert 'value="disable"' not in content
    for button in ("disable", "test", "delete_selected", "look_up", ""):
        assert client.post(state_page(exporter), {"do": button}).status_code == 403
    staff(client, "cameras.view_camera")
    assert client.get(state_page(exporter)).status_code == 403
    staff(client, superuser=True)
    missing = reverse("admin:exporters_exporterconfig_state_page", args=["x"])
    assert client.get(missing).status_code == 404
