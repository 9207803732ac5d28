"""Each look and each change leaves an entry, seen from outside."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from rest_framework.test import APIClient

from anpr_project.lib.tests.factories import make_user
from audit.models import Action, AuditEntry
from cameras.tests.factories import make_camera
from events.models import PlateEvent
from events.tests.conftest import make_sender
from events.tests.factories import picture, reading

pytestmark = pytest.mark.django_db
EVENTS = "/api/v1/events"


def last() -> AuditEntry:
    return AuditEntry.objects.order_by("-id")[0]


@pytest.fixture
def event(db: None) -> Any:
    sender = make_sender()
    made = sender.send(reading(plate="AB12CDE"), frame=picture(), crop=picture()).json()
    assert not AuditEntry.objects.exists()
    return made


@pytest.mark.main_path
def test_a_search_is_written_down_with_query_number_and_reason(event: Any, api: APIClient) -> None:
    api.get(f"{EVENTS}?plate=AB*&limit=10", headers={"X-Search-Reason": "case%204711%20%C3%A4"})
    entry = last()
    assert (entry.action, entry.actor, entry.found) == (Action.SEARCH, "admin", 1)
    assert entry.subject == {"query": {"plate": ["AB*"], "limit": ["10"]}}
    assert entry.reason == "case 4711 ä"
    assert entry.address == "127.0.0.1"


def test_every_other_look_is_written_down(event: Any, api: APIClient) -> None:
    pk = event["id"]
    for path, action in {
        f"{EVENTS}/{pk}": Action.READ,
        f"{EVENTS}/{pk}/frame": Action.PICTURE,
        f"{EVENTS}/{pk}/crop?original=1": Action.ORIGINAL,
        f"{EVENTS}/stats": Action.STATISTICS,
        f"{EVENTS}/export?format=csv": Action.DOWNLOAD,
    }.items():
        assert api.get(path).status_code == 200, path
        assert last().action == action
    assert AuditEntry.objects.filter(subject__event=pk).count() == 3


def test_what_is_refused_shows_nothing_and_is_not_written_down(event: Any, api: APIClient) -> None:
    assert api.get(f"{EVENTS}?plate=").status_code == 400
    assert api.get(f"{EVENTS}/999999").status_code == 404
    assert APIClient().get(EVENTS).status_code == 401
    assert not AuditEntry.objects.exists()


@pytest.mark.main_path
def test_where_a_reason_is_demanded_nothing_is_shown_without(
    event: Any, api: APIClient, settings: Settings
) -> None:
    settings.REQUIRE_SEARCH_REASON = True
    for path in (EVENTS, f"{EVENTS}/{event['id']}", f"{EVENTS}/stats", event["frame_url"]):
        answer = api.get(path)
        assert (answer.status_code, answer.json()["code"]) == (400, "reason_required"), path
        assert api.get(path, headers={"X-Search-Reason": "x\x01"}).status_code == 400
        assert api.get(path, headers={"X-Search-Reason": "case 1"}).status_code == 200
    assert set(AuditEntry.objects.values_list("reason", flat=True)) == {"case 1"}


def test_people_say_it_once_and_their_session_carries_it(
    event: Any, client: Client, settings: Settings
) -> None:
    settings.REQUIRE_SEARCH_REASON = True
    client.force_login(make_user("kim", role="Viewers"))
    asked = client.get("/search?plate=AB")
    assert asked["Location"] == "/reason?next=%2Fsearch%3Fplate%3DAB"
    assert client.get(EVENTS).status_code == 400
    page = client.get(asked["Location"])
    assert b'name="next" value="/search?plate=AB"' in page.content
    assert client.post("/reason", {"reason": "x"}).status_code == 200
    answer = client.post("/reason", {"reason": "case 7", "next": "/search?plate=AB"})
    assert answer["Location"] == "/search?plate=AB"
    assert client.get("/search?plate=AB").status_code == 200
    assert client.get(EVENTS).status_code == 200
    assert (last().actor, last().reason, last().channel) == ("kim", "case 7", "session")


def test_the_way_on_leads_to_no_other_host(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    answer = client.post("/reason", {"reason": "case 7", "next": "https://evil.example/"})
    assert answer["Location"] == reverse("live")


def test_the_admin_pages_of_events_ask_and_write_down_too(
    event: Any, client: Client, admin_user: User, settings: Settings
) -> None:
    client.force_login(admin_user)
    page = reverse("admin:events_plateevent_changelist")
    assert client.get(f"{page}?q=AB").status_code == 200
    assert (last().action, last().subject["query"]) == (Action.SEARCH, {"q": ["AB"]})
    client.get(reverse("admin:events_plateevent_change", args=[event["id"]]))
    assert last().action == Action.READ
    settings.REQUIRE_SEARCH_REASON = True
    assert client.get(page)["Location"].startswith("/reason?next=")


def test_changes_of_the_configuration_are_written_down_without_secrets(api: APIClient) -> None:
    made = api.post(
        "/api/v1/config/cameras", {"name": "Gate", "rtsp_url": "rtsp://u:canary@h/1"}
    ).json()
    path = f"/api/v1/config/cameras/{made['id']}"
    api.patch(path, {"rtsp_url": "rtsp://u:canary2@h/1", "address": "Dock 4"})
    changed = last()
    assert (changed.action, changed.subject["entity"]) == (Action.CHANGED, "camera")
    assert changed.subject["fields"]["address"] == ["", "Dock 4"]
    api.delete(path)
    assert (last().action, last().subject["name"]) == (Action.DELETED, "Gate")
    assert AuditEntry.objects.count() == 3
    assert "canary" not in json.dumps(list(AuditEntry.objects.values_list("subject", flat=True)))


def test_changes_on_the_admin_site_are_written_down(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    camera = make_camera(name="Gate")
    client.post(reverse("admin:cameras_camera_delete", args=[camera.pk]), {"post": "yes"})
    assert (last().action, last().subject["name"], last().actor) == (
        Action.DELETED,
        "Gate",
        "admin",
    )


def test_a_key_made_and_revoked_is_written_down(api: APIClient) -> None:
    sensor = make_sender().sensor
    made = api.post(f"/api/v1/config/sensors/{sensor.pk}/keys", {}).json()
    assert (last().action, last().subject["sensor"]) == (Action.CREATED, sensor.pk)
    api.delete(f"/api/v1/config/sensors/{sensor.pk}/keys/{made['key_id']}")
    assert last().action == Action.DELETED
    assert made["key"] not in json.dumps(list(AuditEntry.objects.values_list("subject", flat=True)))


def test_administrators_read_the_log_and_nobody_else_does(event: Any, client: Client) -> None:
    page = reverse("admin:audit_auditentry_changelist")
    make_user("ada", role="Administrators", is_staff=True)
    make_user("vi", role="Viewers", is_staff=True)
    for name, status in (("ada", 200), ("vi", 403)):
        client.force_login(User.objects.get(username=name))
        client.get(EVENTS)
        assert client.get(page).status_code == status
    assert PlateEvent.objects.count() == 1
