from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from anpr_project.lib.tests.admin_pages import list_page, page, staff
from events.tests.rows import NOON, make_event
from exporters.models import Delivery, DeliveryAttempt
from exporters.tests.factories import make_delivery, make_exporter

pytestmark = pytest.mark.django_db
LIST = list_page(Delivery)


def again_page(delivery: Delivery) -> str:
    return reverse("admin:exporters_delivery_send_this_again", args=[delivery.pk])


def test_ledger_is_read_and_never_written_nor_counted(client: Client) -> None:
    staff(client, superuser=True)
    exporter, other = make_exporter(name="first"), make_exporter(name="second")
    delivery = make_delivery(exporter, make_event(), state="dead", last_error="no route")
    make_delivery(other, make_event(), last_error="elsewhere")
    delivery.tries.create(started_at=NOON, duration_ms=5, succeeded=False, error="timed out")
    lists = list_page(Delivery), list_page(DeliveryAttempt)
    with CaptureQueriesContext(connection) as queries:
        shown = [client.get(path).content.decode() for path in lists]
    assert "no route" in shown[0]
    assert "timed out" in shown[1]
    assert not [one["sql"] for one in queries if "COUNT(" in one["sql"]]
    assert "timed out" in client.get(page(delivery)).content.decode()
    for path in lists:
        assert client.get(path.rstrip("/") + "/add/").status_code == 403
    assert client.post(page(delivery), {"state": "pending"}).status_code == 403
    assert client.post(page(delivery, "delete"), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("exporter__id__exact={exporter}", {"one", "two"}),
        ("exporter__id__exact={exporter}&state=dead", {"one"}),
        ("exporter__id__exact={exporter}&state=lost", {"one", "two"}),
        ("event={event}", {"one"}),
        ("event=abc", set()),
        ("event=" + "9" * 30, set()),
        ("event=", {"one", "two", "three"}),
    ],
)
def test_ledger_is_filtered(client: Client, query: str, found: set[str]) -> None:
    staff(client, superuser=True)
    exporter, event = make_exporter(), make_event()
    make_delivery(exporter, event, state="dead", last_error="error one")
    make_delivery(exporter, make_event(), last_error="error two")
    make_delivery(make_exporter(), make_event(), last_error="error three")
    path = f"{list_page(Delivery)}?{query.format(exporter=exporter.pk, event=event.pk)}"
    shown = client.get(path).content.decode()
    assert {word for word in ("one", "two", "three") if f"error {word}" in shown} == found


@pytest.mark.main_path
def test_chosen_deliveries_are_sent_again(client: Client) -> None:
    staff(client, superuser=True)
    exporter = make_exporter()
    dead, sent, other = (
        make_delivery(exporter, make_event(), state=state, attempts=3)
        for state in ("dead", "delivered", "dead")
    )
    action: dict[str, Any] = {"action": "send_again", "_selected_action": [dead.pk, sent.pk]}
    assert b"2 deliveries are sent again" in client.post(LIST, action, follow=True).content
    states = dict(Delivery.objects.values_list("pk", "state"))
    assert states == {dead.pk: "pending", sent.pk: "pending", other.pk: "dead"}


def test_one_delivery_is_sent_again_from_its_page_after_a_question(client: Client) -> None:
    staff(client, superuser=True)
    delivery = make_delivery(make_exporter(name="Sink"), make_event(), state="dead")
    assert again_page(delivery) in client.get(page(delivery)).content.decode()
    assert "to Sink again?" in client.get(again_page(delivery)).content.decode()
    assert Delivery.objects.get().state == "dead"
    assert client.post(again_page(delivery)).status_code == 302
    assert Delivery.objects.get().state == "pending"
    missing = reverse("admin:exporters_delivery_send_this_again", args=[10**30])
    assert client.get(missing).status_code == 404


def test_sending_again_needs_its_permission(client: Client) -> None:
    delivery = make_delivery(make_exporter(), make_event(), state="dead")
    staff(client, "exporters.view_delivery")
    assert client.post(again_page(delivery)).status_code == 403
    client.post(LIST, {"action": "send_again", "_selected_action": [delivery.pk]})
    assert Delivery.objects.get().state == "dead"
    staff(client, "exporters.view_delivery", "exporters.redeliver")
    assert client.post(again_page(delivery)).status_code == 302
