from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from anpr_project.lib.tests.admin_pages import list_page, page, shown_form, staff
from events.tests.rows import NOON, make_event
from exporters.models import Delivery, DeliveryAttempt, ExporterConfig
from exporters.tests.factories import PUBLIC, make_delivery, make_exporter
from exporters.tests.sinks import Sink, status

pytestmark = pytest.mark.django_db
LIST = list_page(ExporterConfig)
ADD = list_page(ExporterConfig, "add")
BASIC = {"type": "basic", "username": "anpr", "password": "canary-secret"}


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200, response.content[:500]
    found: dict[str, list[str]] = response.context["adminform"].form.errors
    return found


def act(client: Client, action: str, *exporters: ExporterConfig) -> str:
    sent = {"action": action, "_selected_action": [one.pk for one in exporters]}
    return str(client.post(LIST, sent, follow=True).content.decode())


@pytest.mark.main_path
def test_exporter_is_made_on_the_page(client: Client) -> None:
    staff(client, superuser=True)
    form = shown_form(client, ADD)
    assert "whsec_" in client.get(ADD).content.decode()  # the example
    form |= {"name": "new", "exporter_type": "webhook", "auth": json.dumps(BASIC)}
    form |= {"config": json.dumps({"url": PUBLIC}), "filters": '{"plates": ["AB*"]}'}
    response = client.post(ADD, form)
    assert response.status_code == 302, errors(response)
    row = ExporterConfig.objects.get()
    assert (row.config, row.filters, row.retry) == ({"url": PUBLIC}, {"plates": ["AB*"]}, {})
    assert json.loads(row.auth) == BASIC


@pytest.mark.main_path
def test_saving_the_shown_form_keeps_the_secret(client: Client) -> None:
    staff(client, superuser=True)
    exporter = make_exporter(auth=BASIC, failures=7)
    shown = shown_form(client, page(exporter))
    assert json.loads(shown["auth"]) == BASIC | {"password": "***"}
    response = client.post(page(exporter), shown | {"name": "renamed"})
    assert response.status_code == 302, errors(response)
    exporter.refresh_from_db()
    assert (exporter.name, json.loads(exporter.auth), exporter.failures) == ("renamed", BASIC, 7)
    shown |= {"config": json.dumps({"url": PUBLIC + "/2"})}
    assert client.post(page(exporter), shown).status_code == 302
    exporter.refresh_from_db()
    assert (exporter.config, exporter.failures) == ({"url": PUBLIC + "/2"}, 0)
    assert "canary" not in str(list(LogEntry.objects.values_list("change_message")))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"config": "{}"}, "config"),
        ({"config": "{"}, "config"),
        ({"config": "[" * 5000}, "config"),
        ({"config": '{"url": "http://127.0.0.1/"}', "auth": '{"type": "none"}'}, "config"),
        ({"config": '{"url": "https://8.8.4.4/"}'}, "auth"),
        ({"auth": '{"type": "fax"}'}, "auth"),
        ({"auth": '{"type": "bearer", "token": "canary secret"}'}, "auth"),
        ({"auth": '{"type": "bearer", "token": "canary'}, "auth"),
        ({"auth": '["canary"]'}, "auth"),
        ({"auth": ""}, "auth"),
        ({"retry": '{"max_attempts": 0}'}, "retry"),
        ({"filters": '{"cameras": [999999]}'}, "filters"),
        ({"filters": '{"plates": ["*"]}'}, "filters"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_no_secret_comes_back(
    client: Client, change: dict[str, str], field: str
) -> None:
    staff(client, superuser=True)
    exporter = make_exporter(auth=BASIC)
    response = client.post(page(exporter), shown_form(client, page(exporter)) | change)
    assert set(errors(response)) == {field}
    assert b"canary" not in response.content
    exporter.refresh_from_db()
    assert (exporter.config, json.loads(exporter.auth)) == ({"url": PUBLIC}, BASIC)


def test_unknown_type_is_refused_on_the_page(client: Client) -> None:
    staff(client, superuser=True)
    form = shown_form(client, ADD) | {"name": "x", "config": "{}", "exporter_type": "fax"}
    assert "exporter_type" in errors(client.post(ADD, form))


def test_type_is_fixed_on_the_page(client: Client) -> None:
    staff(client, superuser=True)
    exporter = make_exporter()
    shown = shown_form(client, page(exporter))
    assert "exporter_type" not in shown
    assert client.post(page(exporter), shown | {"exporter_type": "mqtt"}).status_code == 302
    exporter.refresh_from_db()
    assert exporter.exporter_type == "webhook"


def test_no_page_shows_a_secret_not_even_a_read_only_one(client: Client) -> None:
    exporter = make_exporter(auth=BASIC)
    staff(client, "exporters.view_exporterconfig")
    looked = client.get(page(exporter))
    assert "***" in looked.content.decode()
    pages = [looked, client.get(LIST)]
    staff(client, superuser=True)
    pages += [client.get(page(exporter)), client.get(LIST), client.get(page(exporter, "history"))]
    pages += [client.get(page(exporter, "delete"))]
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


# ------------------------------------------------------------------------------------- the ledger
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
