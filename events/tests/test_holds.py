"""Legal holds: placed, lifted, and stronger than any retention."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from rest_framework.test import APIClient

from audit.models import Action, AuditEntry
from cameras.tests.factories import make_camera
from events.models import LegalHold, PlateEvent
from events.retention.deletion import expire
from events.tests.conftest import Sender, files_in, make_sender
from events.tests.factories import picture, reading

PATH = "/api/v1/holds"
CASE = {"name": "Case 1", "reason": "letter of the court"}
OLD = datetime.now(UTC) - timedelta(days=100)


def send(sender: Sender, *plates: str) -> None:
    with time_machine.travel(OLD, tick=False):
        for plate in plates:
            body = reading(plate=plate, captured_at=OLD.isoformat())
            assert sender.send(body, frame=picture()).status_code == 201


def kept() -> list[str]:
    return sorted(event.plate for event in PlateEvent.objects.all())


def place(api: APIClient, **what: Any) -> int:
    answer = api.post(PATH, CASE | what, format="json")
    assert answer.status_code == 201, answer.content
    return int(answer.json()["id"])


@pytest.mark.main_path
@pytest.mark.parametrize("plate", ["ab 12-cde", "AB1*", "?B12CDE"])
def test_held_events_outlive_retention_until_the_hold_is_lifted(
    api: APIClient, sender: Sender, upload_dir: Any, plate: str
) -> None:
    hold = place(api, plate=plate)
    send(sender, "AB12 CDE", "XY99 ZZZ", "AB12 CDE")
    assert sum(expire()) == 1
    assert kept() == ["AB12 CDE", "AB12 CDE"]
    assert len(files_in(upload_dir)) == 2
    lifted = api.post(f"{PATH}/{hold}/lift").json()
    assert (lifted["lifted_by"], lifted["name"]) == ("admin", "Case 1")
    assert sum(expire()) == 2
    assert files_in(upload_dir) == []


def test_held_pictures_stay_too(api: APIClient, sender: Sender, settings: Settings) -> None:
    settings.RETENTION_DAYS, settings.PICTURE_RETENTION_DAYS = 200, 7
    place(api, plate="HELD")
    send(sender, "HELD", "FREE")
    list(expire())
    assert {event.plate: bool(event.frame) for event in PlateEvent.objects.all()} == {
        "HELD": True,
        "FREE": False,
    }


def test_all_that_a_hold_names_must_fit(api: APIClient, sender: Sender) -> None:
    other = make_sender(camera=make_camera())
    place(api, plate="AB*", camera=sender.sensor.camera_id, captured_before=OLD.isoformat())
    send(sender, "AB1")  # too late
    with time_machine.travel(OLD - timedelta(seconds=1), tick=False):
        body = {"captured_at": datetime.now(UTC).isoformat()}
        for by, plate in ((other, "AB2"), (sender, "XY3"), (sender, "AB4")):
            assert by.send(reading(plate=plate, **body)).status_code == 201
    list(expire())
    assert kept() == ["AB4"]


def test_placing_and_lifting_are_written_down(api: APIClient) -> None:
    hold = place(api, plate="ab1")
    api.post(f"{PATH}/{hold}/lift")
    api.post(f"{PATH}/{hold}/lift")  # again: nothing happens
    lifted, placed = AuditEntry.objects.order_by("-id")
    assert (placed.action, placed.reason) == (Action.CREATED, CASE["reason"])
    assert placed.subject["fields"]["plate"] == [None, "AB1"]
    assert (lifted.action, lifted.subject["name"]) == (Action.CHANGED, "Case 1")


@pytest.mark.parametrize(
    ("what", "field"),
    [
        ({}, ""),
        ({"plate": "*"}, "plate"),
        ({"plate": "\ufdfa" * 10}, "plate"),  # one sign, eighteen letters
        ({"plate": "AB1", "reason": ""}, "reason"),
        ({"camera": 999_999}, "camera"),
        (
            {"captured_after": "2026-02-01T00:00:00Z", "captured_before": "2026-01-01T00:00:00Z"},
            "captured_before",
        ),
    ],
)
def test_hold_that_means_nothing_is_refused(
    api: APIClient, what: dict[str, Any], field: str
) -> None:
    answer = api.post(PATH, CASE | what, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


def test_what_a_hold_names_cannot_be_deleted(api: APIClient) -> None:
    camera = make_camera()
    place(api, camera=camera.pk)
    answer = api.delete(f"/api/v1/config/cameras/{camera.pk}")
    assert answer.status_code == 409
    assert "legal holds" in answer.json()["message"]


def test_hold_is_neither_changed_nor_deleted(api: APIClient) -> None:
    hold = place(api, plate="AB1")
    for method in (api.put, api.patch, api.delete):
        assert method(f"{PATH}/{hold}", {"plate": "X"}, format="json").status_code == 405


def test_administrators_place_and_lift_in_the_admin(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    form = CASE | {"plate": "ab1", "camera": "", "zone": ""}
    moments = {f"captured_{at}_{part}": "" for at in ("after", "before") for part in (0, 1)}
    added = client.post(reverse("admin:events_legalhold_add"), form | moments)
    assert added.status_code == 302, added.content
    hold = LegalHold.objects.get()
    assert (hold.plate, hold.placed_by) == ("AB1", "admin")
    page = client.get(reverse("admin:events_legalhold_change", args=[hold.pk]))
    assert b"events held" in page.content.lower()
    everything = reverse("admin:events_legalhold_changelist")
    client.post(everything, {"action": "lift", "_selected_action": [hold.pk]})
    hold.refresh_from_db()
    assert hold.lifted_by == "admin"
    assert AuditEntry.objects.filter(subject__entity="legal hold").count() == 2
