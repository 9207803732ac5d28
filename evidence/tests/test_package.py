"""Packages as they are taken over HTTP: what is in them, who gets one, and what is written down."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import OperationalError
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from anpr_project.lib.tests.factories import make_user
from audit.models import Action, AuditEntry
from events.tests.conftest import make_sender
from events.tests.factories import picture, reading
from evidence import package, selection
from evidence.models import SigningKey
from evidence.verify_evidence import problems_of
from models_cfg.tests.factories import make_model

pytestmark = pytest.mark.django_db
URL = "/api/v1/events/evidence"


def problems(data: bytes) -> list[str]:
    key = bytes.fromhex(SigningKey.current().public_key)
    return problems_of(io.BytesIO(data), [key])[0]


def take(client: APIClient, query: str, **headers: str) -> bytes:
    answer: Any = client.get(f"{URL}?{query}", headers=headers)
    assert answer.status_code == 200, answer.content
    assert answer.streaming
    content: bytes = answer.getvalue()
    return content


def inside(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def frame() -> bytes:
    return picture((80, 60), comment=b"as the sensor sent it")


@pytest.fixture
def event(frame: bytes) -> dict[str, Any]:
    sender = make_sender()
    sender.sensor.models.add(make_model(name="reader", version="7"))
    tyre = {"id": "45bb320f", "model": "Ford"}
    made: dict[str, Any] = sender.send(
        reading(plate="AB12 CDE", tpms=[tyre]), frame=frame, crop=picture()
    ).json()
    return made


@pytest.mark.main_path
def test_a_package_holds_the_original_the_record_and_who_looked(
    api: APIClient, event: dict[str, Any], frame: bytes
) -> None:
    pk = event["id"]
    api.get(f"/api/v1/events/{pk}", headers={"X-Search-Reason": "case 1"})
    data = take(api, f"event={pk}", **{"X-Search-Reason": "case 2"})

    assert problems(data) == []
    files = inside(data)
    assert files[f"events/{pk}/frame.jpg"] == frame
    record = json.loads(files[f"events/{pk}/record.json"])
    assert record["stored"]["plate"] == "AB12 CDE"
    assert record["stored"]["frame_sha256"] == hashlib.sha256(frame).hexdigest()
    assert record["pictures"]["frame"]["file"] == f"events/{pk}/frame.jpg"
    assert record["tyres"][0]["tyre_id"] == "45bb320f"
    assert len(record["receipt"]["content_sha256"]) == 64
    configuration = record["configuration_when_packaged"]
    assert configuration["models"][0]["version"] == "7"
    assert configuration["sensor"]["name"] == event["sensor_name"]
    looks = json.loads(files[f"events/{pk}/audit.json"])
    assert [(look["action"], look["reason"]) for look in looks] == [
        ("read", "case 1"),
        ("evidence", "case 2"),
    ]
    manifest = json.loads(files["manifest.json"])
    assert (manifest["made_by"], manifest["reason"], manifest["events"]) == (
        "admin",
        "case 2",
        [pk],
    )
    assert b"verify_evidence.py" in files["README.txt"]


@pytest.mark.main_path
def test_a_search_becomes_one_package_and_one_entry(api: APIClient) -> None:
    sender = make_sender()
    ids = [sender.send(reading(plate=f"AB {n}")).json()["id"] for n in range(3)]
    other = sender.send(reading(plate="XY 1")).json()["id"]
    take(api, "plate=AB*")
    files = inside(take(api, "plate=AB*"))
    assert json.loads(files["manifest.json"])["events"] == ids
    assert f"events/{other}/record.json" not in files
    assert AuditEntry.objects.filter(action=Action.EVIDENCE).count() == 2
    entry = AuditEntry.objects.latest("id")
    assert entry.subject == {"query": {"plate": ["AB*"]}, "events": ids}
    assert entry.found == 3
    # Both packages are told of in each event's own account.
    for pk in ids:
        assert len(json.loads(files[f"events/{pk}/audit.json"])) == 2
    named = take(api, f"event={ids[0]}&event={other}")
    assert json.loads(inside(named)["manifest.json"])["events"] == [ids[0], other]
    assert take(api, "similar=AB1")


def test_what_cannot_be_packed_is_refused_and_not_written_down(
    api: APIClient, event: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for query, status in {
        "event=999999": 404,
        f"event={event['id']}&event=999999": 404,
        "plate=NOSUCH": 404,
        "event=x": 400,
        "event=0": 400,
        "nonsense=1": 400,
        "event=1&" * 401: 400,
    }.items():
        assert api.get(f"{URL}?{query}").status_code == status, query
    monkeypatch.setattr(selection, "MOST_EVENTS", 0)
    assert api.get(f"{URL}?plate=AB*").json()["errors"][0]["code"] == "too_many"
    assert api.head(f"{URL}?plate=AB*").status_code == 400
    assert not AuditEntry.objects.exists()


def test_it_is_for_those_who_may_see_originals_and_the_log(event: dict[str, Any]) -> None:
    user = make_user(role="Operators")
    for codename, status in (("view_original", 403), ("view_auditentry", 200)):
        user.user_permissions.add(Permission.objects.get(codename=codename))
        client = APIClient()
        client.force_authenticate(type(user).objects.get(pk=user.pk))
        assert client.get(f"{URL}?event={event['id']}").status_code == status


def test_where_a_reason_is_demanded_there_is_none_without(
    api: APIClient, event: dict[str, Any], settings: Settings
) -> None:
    settings.REQUIRE_SEARCH_REASON = True
    answer = api.get(f"{URL}?event={event['id']}")
    assert (answer.status_code, answer.json()["code"]) == (400, "reason_required")
    assert take(api, f"event={event['id']}", **{"X-Search-Reason": "case 9"})


def test_a_picture_that_retention_took_is_named_and_absent(
    api: APIClient, event: dict[str, Any], upload_dir: Path
) -> None:
    for path in upload_dir.rglob("*-frame.jpg"):
        path.unlink()
    data = take(api, f"event={event['id']}")
    assert problems(data) == []
    record = json.loads(inside(data)[f"events/{event['id']}/record.json"])
    assert record["pictures"]["frame"]["file"] is None
    assert len(record["pictures"]["frame"]["sha256_when_received"]) == 64


def test_a_picture_that_was_changed_on_the_disk_is_told_by_the_verifier(
    api: APIClient, event: dict[str, Any], upload_dir: Path
) -> None:
    for path in upload_dir.rglob("*-frame.jpg"):
        path.write_bytes(picture((8, 8)))
    [said] = problems(take(api, f"event={event['id']}"))
    assert "is not the picture that the sensor sent" in said


def test_a_package_that_breaks_off_is_no_package(
    api: APIClient, event: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(ids: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(package, "looks_at", fail)
    assert "cut off" in problems(take(api, f"event={event['id']}"))[0]
    monkeypatch.undo()
    monkeypatch.setattr("evidence.archive.MOST_BYTES", 10)
    assert problems(take(api, f"event={event['id']}"))


def test_a_package_costs_a_bounded_number_of_queries(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    sender = make_sender()
    for number in range(4):
        sender.send(reading(plate=f"AB {number}"))
    SigningKey.current()
    with django_assert_num_queries(10):
        take(api, "plate=AB*")


def test_a_head_request_takes_nothing(api: APIClient, event: dict[str, Any]) -> None:
    answer = api.head(f"{URL}?event={event['id']}")
    assert answer.status_code == 200
    assert f'filename="evidence-event-{event["id"]}-' in answer["Content-Disposition"]
    assert not AuditEntry.objects.exists()


def test_more_than_a_page_of_events_fits(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "PAGE", 2)
    sender = make_sender()
    ids = [sender.send(reading(plate=f"AB {n}")).json()["id"] for n in range(5)]
    data = take(api, "plate=AB*")
    assert problems(data) == []
    assert [f"events/{pk}/record.json" in inside(data) for pk in ids] == [True] * 5


def test_a_look_in_the_admin_is_told_too(
    api: APIClient, event: dict[str, Any], client: Any
) -> None:
    client.force_login(make_user("ada", is_superuser=True, is_staff=True))
    client.get(f"/admin/events/plateevent/{event['id']}/change/")
    files = inside(take(api, f"event={event['id']}"))
    looks = json.loads(files[f"events/{event['id']}/audit.json"])
    assert [look["actor"] for look in looks] == ["ada", "admin"]


@pytest.mark.parametrize(("role", "offered"), [("Viewers", False), ("Administrators", True)])
def test_the_pages_offer_it_to_those_who_may_take_it(
    client: Any, event: dict[str, Any], role: str, offered: bool
) -> None:
    client.force_login(make_user(role=role))
    for path, link in ((f"/events/{event['id']}", b'class="evidence"'), ("/search", b"-evidence")):
        assert (link in client.get(path).content) == offered
