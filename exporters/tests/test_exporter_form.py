"""The admin's form of an exporter: typed for each kind, and secrets go in only."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from anpr_project.lib.tests.admin_pages import list_page, page, shown_form, staff
from cameras.tests.factories import make_camera
from exporters.models import ExporterConfig
from exporters.tests.factories import PUBLIC, make_exporter
from zones.tests.factories import make_zone

pytestmark = pytest.mark.django_db
ADD = list_page(ExporterConfig, "add")
BASIC = {"type": "basic", "username": "anpr", "password": "canary-secret"}


@pytest.fixture(autouse=True)
def admin(client: Client) -> None:
    staff(client, superuser=True)


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200, response.content[:500]
    found: dict[str, list[str]] = response.context["adminform"].form.errors
    return found


def add(client: Client, kind: str, **fields: Any) -> Any:
    path = f"{ADD}?exporter_type={kind}"
    return client.post(path, shown_form(client, path) | {"name": "new"} | fields)


def save(client: Client, exporter: ExporterConfig, **fields: Any) -> ExporterConfig:
    response = client.post(page(exporter), shown_form(client, page(exporter)) | fields)
    assert response.status_code == 302, errors(response)
    exporter.refresh_from_db()
    return exporter


def test_kind_is_asked_for_first(client: Client) -> None:
    for path in (ADD, f"{ADD}?exporter_type=fax"):
        content = client.get(path).content.decode()
        for kind in ("webhook", "mqtt", "kafka"):
            assert f"?exporter_type={kind}" in content
    assert client.post(ADD, {"name": "x"}).status_code == 200
    assert not ExporterConfig.objects.exists()


@pytest.mark.main_path
@pytest.mark.parametrize(
    ("kind", "fields", "config", "auth"),
    [
        (
            "webhook",
            {
                "config_url": PUBLIC,
                "config_headers": "X-Site: north\nX-Two: a: b",
                "config_verify_tls": "",
                "auth_type": "bearer",
                "auth_token": "t0ken",
                "auth_username": "of another type",
            },
            {
                "url": PUBLIC,
                "headers": {"X-Site": "north", "X-Two": "a: b"},
                "verify_tls": False,
            },
            {"type": "bearer", "token": "t0ken"},
        ),
        (
            "mqtt",
            {
                "config_host": "8.8.8.8",
                "config_port": "1884",
                "config_qos": "0",
                "config_protocol": "5",
                "auth_type": "basic",
                "auth_username": "u",
                "auth_password": "p",
            },
            {"host": "8.8.8.8", "port": 1884, "qos": 0, "protocol": "5"},
            {"type": "basic", "username": "u", "password": "p"},
        ),
        (
            "kafka",
            {
                "config_bootstrap_servers": "192.0.2.1:9093",
                "config_topic": "plates",
                "config_key": "camera",
                "auth_type": "sasl",
                "auth_mechanism": "PLAIN",
                "auth_username": "u",
                "auth_password": "p",
            },
            {"bootstrap_servers": "192.0.2.1:9093", "topic": "plates", "key": "camera"},
            {"type": "sasl", "mechanism": "PLAIN", "username": "u", "password": "p"},
        ),
    ],
)
def test_exporter_is_made_with_the_fields_of_its_kind(
    client: Client,
    settings: Any,
    kind: str,
    fields: dict[str, str],
    config: dict[str, Any],
    auth: dict[str, str],
) -> None:
    settings.EXPORT_ALLOW_NETWORKS = ["192.0.2.0/24"]
    response = add(client, kind, **fields)
    assert response.status_code == 302, errors(response)
    row = ExporterConfig.objects.get()
    assert (row.exporter_type, row.config, json.loads(row.auth)) == (kind, config, auth)
    assert (row.retry, row.filters, row.enabled) == ({}, {}, True)
    # And it is shown as it was stored: saving it again changes nothing.
    before = list(ExporterConfig.objects.values("config", "auth", "retry", "filters"))
    save(client, row)
    assert list(ExporterConfig.objects.values("config", "auth", "retry", "filters")) == before


def test_filters_and_retries_are_chosen(client: Client) -> None:
    camera, zone = make_camera(name="Gate"), make_zone(name="Yard")
    fields = {
        "filters_cameras": [str(camera.pk)],
        "filters_zones": [str(zone.pk)],
        "filters_plates": "AB*\r\n\r\nWG4L2M",
        "filters_min_confidence": "0.8",
        "retry_max_attempts": "5",
        "retry_jitter": "1",
        "ordered": "on",
    }
    response = add(client, "webhook", config_url=PUBLIC, **fields)
    assert response.status_code == 302, errors(response)
    row = ExporterConfig.objects.get()
    assert row.filters == {
        "cameras": [camera.pk],
        "zones": [zone.pk],
        "plates": ["AB*", "WG4L2M"],
        "min_confidence": 0.8,
    }
    assert (row.retry, row.ordered) == ({"max_attempts": 5, "jitter": 1.0}, True)


def test_filter_for_a_camera_that_is_gone_does_not_become_one_for_all(client: Client) -> None:
    exporter = make_exporter(filters={"cameras": [999]})
    assert "#999 (deleted)" in client.get(page(exporter)).content.decode()
    assert save(client, exporter, name="renamed").filters == {"cameras": [999]}
    shown = shown_form(client, page(exporter)) | {"filters_plates": "AB*"}
    assert "filters_cameras" in errors(client.post(page(exporter), shown))


@pytest.mark.main_path
def test_secret_stays_when_its_field_is_left_empty_and_never_comes_back(client: Client) -> None:
    exporter = make_exporter(auth=BASIC, failures=7)
    assert shown_form(client, page(exporter))["auth_password"] == ""
    save(client, exporter, name="renamed")
    assert (exporter.name, json.loads(exporter.auth), exporter.failures) == ("renamed", BASIC, 7)
    # Another path of the same host keeps it too, and is tried at once.
    save(client, exporter, config_url=PUBLIC + "/2")
    assert (json.loads(exporter.auth), exporter.failures) == (BASIC, 0)
    save(client, exporter, auth_password="new-secret")
    assert json.loads(exporter.auth) == BASIC | {"password": "new-secret"}
    changes = str(list(LogEntry.objects.values_list("change_message", flat=True)))
    assert "secret" not in changes
    save(client, exporter, auth_type="none")
    assert json.loads(exporter.auth) == {"type": "none"}


def test_previous_secret_is_taken_away_by_a_dash(client: Client) -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    auth = {"type": "signature", "secret": secret, "previous_secret": secret}
    exporter = make_exporter(auth=auth)
    assert json.loads(save(client, exporter).auth) == auth
    save(client, exporter, auth_previous_secret="-")
    assert json.loads(exporter.auth) == {"type": "signature", "secret": secret}


def test_only_the_fields_of_the_chosen_credentials_are_shown(client: Client) -> None:
    content = client.get(f"{ADD}?exporter_type=webhook").content.decode()
    assert "auth_type == &#x27;bearer&#x27;" in content


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"config_url": ""}, "config_url"),
        ({"config_url": "gopher://x", "auth_type": "none"}, "config_url"),
        ({"config_url": "http://127.0.0.1/", "auth_type": "none"}, "config_url"),
        ({"config_url": "https://8.8.4.4/"}, "auth_password"),
        ({"config_headers": "no colon"}, "config_headers"),
        ({"config_headers": "Host: x"}, "config_headers"),
        ({"config_ca_certificate": "no certificate"}, "config_ca_certificate"),
        ({"auth_type": "fax"}, "auth_type"),
        ({"auth_type": "bearer"}, "auth_token"),
        ({"auth_type": "bearer", "auth_token": "canary\x00"}, "auth_token"),
        ({"auth_type": "signature", "auth_secret": "canary"}, "auth_secret"),
        ({"auth_username": ""}, "auth_username"),
        ({"retry_max_attempts": "0"}, "retry_max_attempts"),
        ({"retry_timeout_s": "nan"}, "retry_timeout_s"),
        ({"filters_cameras": ["999999"]}, "filters_cameras"),
        ({"filters_cameras": ["x"]}, "filters_cameras"),
        ({"filters_plates": "*"}, "filters_plates"),
        ({"filters_min_confidence": "2"}, "filters_min_confidence"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_no_secret_comes_back(
    client: Client, change: dict[str, Any], field: str
) -> None:
    exporter = make_exporter(auth=BASIC)
    response = client.post(page(exporter), shown_form(client, page(exporter)) | change)
    assert set(errors(response)) == {field}
    assert b"canary" not in response.content
    exporter.refresh_from_db()
    assert (exporter.config, json.loads(exporter.auth)) == ({"url": PUBLIC}, BASIC)


def test_secret_that_no_key_opens_must_be_given_again(client: Client) -> None:
    exporter = make_exporter(auth=BASIC)
    ExporterConfig.objects.update(auth="")
    shown = shown_form(client, page(exporter)) | {"auth_type": "basic", "auth_username": "anpr"}
    assert set(errors(client.post(page(exporter), shown))) == {"auth_password"}


def test_type_is_fixed(client: Client) -> None:
    exporter = make_exporter()
    assert save(client, exporter, exporter_type="mqtt").exporter_type == "webhook"
