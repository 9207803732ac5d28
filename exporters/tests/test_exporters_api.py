from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from anpr_project.lib.tests.config_contract import ConfigContract, Entity, fields_of
from anpr_project.lib.tests.factories import make_user
from cameras.tests.factories import make_camera
from events.tests.rows import make_event
from exporters.delivery import OPEN_AFTER
from exporters.models import ExporterConfig
from exporters.tests.factories import PUBLIC, body, make_delivery, make_exporter
from exporters.tests.sinks import Authority
from zones.tests.factories import make_zone

PATH = "/api/v1/exporters"
BASIC = {"type": "basic", "username": "anpr", "password": "canary-secret"}
MASKED = BASIC | {"password": "***"}
MQTT = {"host": "8.8.8.8", "topic": "anpr/{camera}/{plate}"}
KAFKA = {"bootstrap_servers": "8.8.8.8:9092", "topic": "plates"}


@pytest.mark.main_path
class TestExporters(ConfigContract):
    entity = Entity(
        path=PATH,
        model=ExporterConfig,
        body=body,
        texts=["name"],
        json_fields=["config", "auth", "retry", "filters"],
        change={"config": {"url": PUBLIC + "/2"}, "ordered": True, "enabled": False},
        refused_queries=[("exporter_type=fax", "exporter_type")],
        list_queries=3,
    )

    @pytest.mark.parametrize("role", ["Viewers"])
    def test_other_roles_may_not_even_look(self, anonymous: APIClient, db: None, role: str) -> None:
        super().test_other_roles_may_not_even_look(anonymous, db, role)

    def test_operators_look_and_change_nothing(self, anonymous: APIClient, db: None) -> None:
        exporter = make_exporter(auth=BASIC)
        anonymous.force_authenticate(make_user(role="Operators"))
        path = f"{PATH}/{exporter.pk}"
        assert anonymous.get(PATH).json()["count"] == 1
        assert anonymous.get(path).json()["auth"] == MASKED
        self.refused(anonymous.post(PATH, body()), 403)
        for method in ("put", "patch", "delete"):
            self.refused(getattr(anonymous, method)(path), 403)
        assert ExporterConfig.objects.get().name == exporter.name


@pytest.mark.parametrize(("kind", "config"), [("mqtt", MQTT), ("kafka", KAFKA)])
def test_brokers_are_exporters_too(
    api: APIClient, settings: Settings, kind: str, config: dict[str, Any]
) -> None:
    settings.EXPORT_ALLOW_NETWORKS = ["8.8.8.8/32"]
    made = api.post(PATH, {"name": kind, "exporter_type": kind, "config": config})
    assert made.status_code == 201, made.content
    row = ExporterConfig.objects.get()
    assert (row.exporter_type, row.config, row.auth) == (kind, config, '{"type":"none"}')
    assert [one["id"] for one in api.get(PATH, {"exporter_type": kind}).json()["results"]] == [
        row.pk
    ]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"exporter_type": "fax"}, "exporter_type"),
        ({"config": {}}, "config.url"),
        ({"config": {"url": "ftp://8.8.8.8"}}, "config.url"),
        ({"config": {"url": 7}}, "config.url"),
        ({"config": {"url": PUBLIC, "color": "red"}}, "config.color"),
        ({"config": {"url": PUBLIC, "headers": {"X-A": "a\r\nb"}}}, "config"),
        ({"config": {"url": PUBLIC, "headers": {"X A": "b"}}}, "config.headers"),
        ({"config": {"url": PUBLIC, "ca_certificate": "none"}}, "config.ca_certificate"),
        ({"config": [1]}, "config"),
        ({"auth": {"type": "fax"}}, "auth.type"),
        ({"auth": {"type": "basic", "username": "a"}}, "auth.password"),
        ({"auth": {"type": "signature", "secret": "short"}}, "auth.secret"),
        ({"auth": "none"}, "auth"),
        ({"auth": None}, "auth"),
        ({"auth": MASKED}, "auth.password"),
        ({"retry": {"max_attempts": 0}}, "retry.max_attempts"),
        ({"retry": {"max_attempts": True}}, "retry.max_attempts"),
        ({"filters": {"plates": ["A", "*?"]}}, "filters.plates.1"),
        ({"filters": {"plates": ["x" * 65]}}, "filters.plates.0"),
        ({"filters": {"cameras": [999_999]}}, "filters.cameras.0"),
        ({"filters": {"zones": [2**63]}}, "filters.zones.0"),
        ({"filters": {"min_confidence": 1.5}}, "filters.min_confidence"),
        ({"filters": {"color": "red"}}, "filters.color"),
    ],
)
def test_what_is_wrong_is_named(api: APIClient, fields: dict[str, Any], path: str) -> None:
    exporter = make_exporter()
    responses = [api.post(PATH, body(**fields)), api.patch(f"{PATH}/{exporter.pk}", fields)]
    for response in responses:
        assert response.status_code == 400, response.content
        assert fields_of(response) == {path}
        assert "canary" not in response.content.decode()
    assert ExporterConfig.objects.count() == 1


def test_problems_of_all_parts_are_told_at_once(api: APIClient) -> None:
    wrong = {"config": {}, "auth": {"type": "x"}, "retry": {"jitter": 7}, "filters": []}
    response = api.post(PATH, body(**wrong))
    assert fields_of(response) == {"config.url", "auth.type", "retry.jitter", "filters"}


def test_filters_name_cameras_and_zones_that_exist(api: APIClient) -> None:
    filters = {"cameras": [make_camera().pk], "zones": [make_zone().pk]}
    made = api.post(PATH, body(filters=filters))
    assert made.json()["filters"] == filters
    # A camera that went meanwhile does not stand in the way of other changes.
    ExporterConfig.objects.update(filters={"cameras": [999_999]})
    path = f"{PATH}/{made.json()['id']}"
    assert api.patch(path, {"retry": {"max_attempts": 2}}).status_code == 200


def test_a_certificate_may_have_lines(api: APIClient) -> None:
    pem = Authority().pem
    made = api.post(PATH, body(config={"url": PUBLIC, "ca_certificate": pem}))
    assert made.status_code == 201, made.content
    assert ExporterConfig.objects.get().config["ca_certificate"] == pem


def test_type_cannot_change(api: APIClient) -> None:
    exporter = make_exporter()
    change = {"exporter_type": "mqtt", "config": MQTT}
    response = api.patch(f"{PATH}/{exporter.pk}", change)
    assert response.status_code == 400
    assert "exporter_type" in fields_of(response)
    exporter.refresh_from_db()
    assert exporter.exporter_type == "webhook"


@pytest.mark.main_path
def test_state_is_told_at_the_cost_of_one_query_for_all(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    now = timezone.now()
    exporters = [make_exporter() for _ in range(3)]
    for state in ("pending", "pending", "dead", "delivered"):
        make_delivery(exporters[0], make_event(), state=state)
    ExporterConfig.objects.filter(pk=exporters[1].pk).update(
        failures=OPEN_AFTER, paused_until=now + timedelta(minutes=1), last_error="no"
    )
    with django_assert_num_queries(3):
        rows = api.get(PATH).json()["results"]
    states = [row["state"] for row in rows]
    assert [(state["pending"], state["dead"]) for state in states] == [(2, 1), (0, 0), (0, 0)]
    assert [state["circuit"] for state in states] == ["closed", "open", "closed"]
    assert states[1]["paused_until"].endswith("Z")
    assert states[1]["last_error"] == "no"
    assert api.get(f"{PATH}/{exporters[0].pk}").json()["state"] == states[0]


@pytest.mark.parametrize("change", [{"enabled": True}, {"config": {"url": PUBLIC}}])
def test_a_repaired_exporter_starts_at_once(api: APIClient, change: dict[str, Any]) -> None:
    later = timezone.now() + timedelta(hours=1)
    exporter = make_exporter(enabled=False, failures=9, paused_until=later)
    assert api.patch(f"{PATH}/{exporter.pk}", change).status_code == 200
    exporter.refresh_from_db()
    assert (exporter.failures, exporter.paused_until) == (0, None)


def test_state_cannot_be_written_and_outlives_other_changes(api: APIClient) -> None:
    exporter = make_exporter(failures=9)
    change = {"state": {}, "failures": 0, "retry": {}, "filters": {}}
    assert api.patch(f"{PATH}/{exporter.pk}", change).status_code == 200
    exporter.refresh_from_db()
    assert exporter.failures == 9


def test_deliveries_go_with_their_exporter_and_no_other(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporters.removal.BATCH", 2)
    exporter, other = make_exporter(), make_exporter()
    event = make_event()
    kept = make_delivery(other, event)
    for _ in range(5):
        delivery = make_delivery(exporter, make_event())
        delivery.tries.create(started_at=timezone.now(), duration_ms=1, succeeded=False)
    assert api.delete(f"{PATH}/{exporter.pk}").status_code == 204
    assert list(ExporterConfig.objects.all()) == [other]
    assert list(type(kept).objects.all()) == [kept]
