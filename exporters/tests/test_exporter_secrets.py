from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings
from rest_framework.test import APIClient

from anpr_project.lib.tests.config_contract import fields_of
from exporters.models import ExporterConfig
from exporters.tests.factories import PUBLIC, SECRET, body, make_exporter

PATH = "/api/v1/exporters"
BASIC = {"type": "basic", "username": "anpr", "password": "canary-secret"}
MASKED = BASIC | {"password": "***"}
MQTT = {"host": "8.8.8.8", "topic": "anpr/{camera}/{plate}"}
KAFKA = {"bootstrap_servers": "8.8.8.8:9092", "topic": "plates"}


@pytest.mark.main_path
def test_secrets_are_encrypted_and_never_shown_again(api: APIClient) -> None:
    made = api.post(PATH, body(auth=BASIC))
    assert made.json()["auth"] == MASKED
    path = f"{PATH}/{made.json()['id']}"
    answers = [
        made,
        api.get(path),
        api.get(PATH),
        api.patch(path, {"name": "x"}),
        api.options(path),
    ]
    answers += [
        api.post(f"{path}/disable"),
        api.post(f"{path}/enable"),
        api.put(path, body(auth=MASKED)),
    ]
    for answer in answers:
        assert b"canary" not in answer.content
    row = ExporterConfig.objects.get()
    assert json.loads(row.auth) == BASIC
    with connection.cursor() as cursor:
        cursor.execute("SELECT auth FROM exporters_exporterconfig")
        assert "canary" not in str(cursor.fetchall())


def test_signature_may_have_two_secrets_and_shows_none(api: APIClient) -> None:
    auth = {"type": "signature", "secret": SECRET, "previous_secret": SECRET}
    shown = api.post(PATH, body(auth=auth)).json()["auth"]
    assert shown == {"type": "signature", "secret": "***", "previous_secret": "***"}


@pytest.mark.parametrize(
    "change",
    [
        {"auth": MASKED},
        {"auth": MASKED | {"username": "other"}},
        {"auth": MASKED, "config": {"url": PUBLIC + "/else", "verify_tls": False}},
        {"config": {"url": PUBLIC.upper().replace("HTTPS", "https")}},
        {"config": {"url": "https://8.8.8.8:443/"}},
    ],
)
def test_mask_keeps_the_secret_at_the_same_destination(
    api: APIClient, change: dict[str, Any]
) -> None:
    exporter = make_exporter(auth=BASIC)
    assert api.patch(f"{PATH}/{exporter.pk}", change).status_code == 200
    exporter.refresh_from_db()
    assert json.loads(exporter.auth)["password"] == BASIC["password"]


@pytest.mark.parametrize(
    "change",
    [
        {"config": {"url": "https://8.8.4.4/plates"}},
        {"config": {"url": "https://8.8.8.8:444/plates"}},
        {"config": {"url": "http://8.8.8.8:443/plates"}},
        {"config": {"url": "https://8.8.4.4/plates"}, "auth": MASKED},
        {"auth": {"type": "bearer", "token": "***"}},
    ],
)
def test_secret_does_not_follow_to_another_destination(
    api: APIClient, change: dict[str, Any]
) -> None:
    exporter = make_exporter(auth=BASIC)
    response = api.patch(f"{PATH}/{exporter.pk}", change)
    assert response.status_code == 400
    assert fields_of(response) <= {"auth.password", "auth.token"}
    assert "again" in response.json()["message"]
    exporter.refresh_from_db()
    assert exporter.config == {"url": PUBLIC}
    assert json.loads(exporter.auth) == BASIC


def test_brokers_secrets_stay_with_their_hosts(api: APIClient, settings: Settings) -> None:
    settings.EXPORT_ALLOW_NETWORKS = ["8.8.0.0/16"]
    sasl = {"type": "sasl", "mechanism": "PLAIN", "username": "a", "password": "canary"}
    kafka = make_exporter(sasl, exporter_type="kafka", config=KAFKA)
    mqtt = make_exporter(BASIC, exporter_type="mqtt", config=MQTT)
    cases = [
        (kafka, KAFKA | {"topic": "other"}, 200),
        (kafka, KAFKA | {"bootstrap_servers": "8.8.8.8:9092,8.8.4.4:9092"}, 400),
        (mqtt, MQTT | {"qos": 2}, 200),
        (mqtt, MQTT | {"port": 1884}, 400),
    ]
    for exporter, config, expected in cases:
        response = api.patch(f"{PATH}/{exporter.pk}", {"config": config})
        assert response.status_code == expected, (config, response.content)


def test_lost_key_hides_the_secret_and_asks_for_it(api: APIClient) -> None:
    exporter = make_exporter(auth=BASIC)
    ExporterConfig.objects.filter(pk=exporter.pk).update(auth="")
    path = f"{PATH}/{exporter.pk}"
    assert api.get(path).json()["auth"] is None
    assert api.patch(path, {"enabled": False}).status_code == 200
    assert api.patch(path, {"auth": None}).status_code == 400
    for response in (api.patch(path, {"auth": MASKED}), api.post(f"{path}/enable")):
        assert response.status_code == 400
        assert "ENCRYPTION_KEYS" in response.json()["message"]
    assert api.patch(path, {"auth": BASIC}).json()["auth"] == MASKED


FORBIDDEN = [
    ("webhook", {"url": "http://127.0.0.1:8000/"}, "config.url"),
    ("webhook", {"url": "http://localhost/"}, "config.url"),
    ("webhook", {"url": "http://2130706433/"}, "config.url"),
    ("webhook", {"url": "http://[::ffff:10.0.0.1]/"}, "config.url"),
    ("webhook", {"url": "http://169.254.169.254/latest"}, "config.url"),
    ("mqtt", MQTT | {"host": "10.1.2.3"}, "config.host"),
    ("mqtt", MQTT | {"host": "::1"}, "config.host"),
    ("kafka", KAFKA | {"bootstrap_servers": "8.8.8.8:1,127.0.0.1:2"}, "config.bootstrap_servers"),
    ("kafka", KAFKA | {"bootstrap_servers": "192.168.0.1"}, "config.bootstrap_servers"),
    ("kafka", KAFKA, "config.bootstrap_servers"),  # a broker names other addresses
]


@pytest.mark.parametrize(("kind", "config", "field"), FORBIDDEN)
def test_inner_addresses_are_refused_unless_allowed(
    api: APIClient, settings: Settings, kind: str, config: dict[str, Any], field: str
) -> None:
    exporter = make_exporter(exporter_type=kind, config=config)
    new = body(exporter_type=kind, config=config)
    path = f"{PATH}/{exporter.pk}"
    refused = [api.post(PATH, new), api.patch(path, {"config": config}), api.post(f"{path}/test")]
    for response in [*refused, api.post(f"{path}/enable")]:
        assert response.status_code == 400, response.content
        assert fields_of(response) == {field}
        assert "EXPORT_ALLOW_NETWORKS" in response.json()["message"]
    settings.EXPORT_ALLOW_NETWORKS = ["0.0.0.0/0", "::/0"]
    assert api.patch(path, {"config": config}).status_code == 200


def test_name_that_does_not_resolve_now_is_taken(api: APIClient) -> None:
    assert api.post(PATH, body(config={"url": "https://no.such.host.invalid/"})).status_code == 201
