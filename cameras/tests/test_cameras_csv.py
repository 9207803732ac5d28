"""Cameras go out to a spreadsheet and come back, with a look at what would change in between."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from anpr_project.lib.tests.admin_pages import list_page, shown_form, staff
from cameras.models import Camera
from cameras.tests.factories import make_camera
from zones.tests.factories import make_zone

pytestmark = pytest.mark.django_db
IMPORT = list_page(Camera, "import_csv")
EXPORT = list_page(Camera, "export_csv")


@pytest.fixture
def admin(client: Client) -> Client:
    staff(client, superuser=True)
    return client


def send(client: Client, content: str | bytes) -> Any:
    data = content if isinstance(content, bytes) else content.encode()
    return client.post(IMPORT, {"file": SimpleUploadedFile("cameras.csv", data, "text/csv")})


def confirm(client: Client, preview: Any) -> Any:
    plan = preview.context["plan"]
    return client.post(IMPORT, {"content": preview.context["content"], "digest": plan.digest})


def wrong(preview: Any) -> list[tuple[int, str, str]]:
    return [
        (line.number, *problem)
        for line in preview.context["plan"].wrong
        for problem in line.problems
    ]


def exported(client: Client) -> list[dict[str, str]]:
    response = client.get(EXPORT)
    assert "attachment" in response["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


@pytest.mark.main_path
def test_preview_shows_the_changes_and_only_the_confirmation_stores_them(admin: Client) -> None:
    zone = make_zone(name="North lane")
    gate = make_camera(name="Gate", fps=25, address="1 High Street")
    make_camera(name="Same", fps=25)
    file = (
        "name,fps,zones,enabled\n"
        "Gate,12.5,North lane,no\n"  # changed, found by its name
        "Same,25,,yes\n"
        "Yard,,North lane,\n"  # new
    )
    preview = send(admin, file)
    content = preview.content.decode()
    for text in ("<del>25.0</del>", "<ins>12.5</ins>", "<ins>North lane</ins>", "Yard"):
        assert text in content
    assert preview.context["counts"] == {"new": 1, "changed": 1, "unchanged": 1, "wrong": 0}
    gate.refresh_from_db()
    assert (gate.fps, Camera.objects.count()) == (25, 2)

    assert confirm(admin, preview).status_code == 302
    gate.refresh_from_db()
    assert (gate.fps, gate.enabled, gate.address) == (12.5, False, "1 High Street")
    assert list(gate.zones.all()) == [zone]
    assert list(Camera.objects.get(name="Yard").zones.all()) == [zone]
    assert sorted(LogEntry.objects.values_list("object_repr", "action_flag")) == [
        ("Gate", 2),
        ("Yard", 1),
    ]


@pytest.mark.main_path
def test_what_was_exported_comes_back_unchanged_and_without_its_passwords(admin: Client) -> None:
    zones = [make_zone(name="=A1;B"), make_zone(name="Yard")]
    url = "rtsp://viewer:s3cret@192.0.2.10/1"
    camera = make_camera(name="-1+2", rtsp_url=url, address="'=cmd()", longitude=-0.1, latitude=1)
    camera.zones.set(zones)
    row = exported(admin)[0]
    assert row["rtsp_url"] == "rtsp://viewer:***@192.0.2.10/1"
    assert (row["name"], row["address"], row["longitude"]) == ("'-1+2", "''=cmd()", "-0.1")
    assert row["zones"] == f"#{zones[0].pk}; Yard"
    preview = send(admin, admin.get(EXPORT).content)
    assert preview.context["counts"]["unchanged"] == 1
    assert wrong(preview) == []
    camera.refresh_from_db()
    assert (camera.rtsp_url, camera.name) == (url, "-1+2")


def test_row_is_found_by_its_id_first_and_can_so_be_renamed(admin: Client) -> None:
    camera = make_camera(name="Old")
    preview = send(admin, f"id;name\n{camera.pk};New\n")
    assert confirm(admin, preview).status_code == 302
    assert Camera.objects.get().name == "New"


def test_new_password_is_stored_but_not_shown(admin: Client) -> None:
    make_camera(name="Gate", rtsp_url="rtsp://viewer:s3cret@192.0.2.10/1")
    preview = send(admin, "name,rtsp_url\nGate,rtsp://viewer:0ther@192.0.2.10/1\n")
    assert "0ther" not in preview.content.decode()
    assert "new password" in preview.content.decode()
    confirm(admin, preview)
    assert Camera.objects.get().rtsp_url == "rtsp://viewer:0ther@192.0.2.10/1"


def test_masked_password_is_not_handed_to_another_host(admin: Client) -> None:
    make_camera(name="Gate", rtsp_url="rtsp://viewer:s3cret@192.0.2.10/1")
    preview = send(admin, "name,rtsp_url\nGate,rtsp://viewer:***@192.0.2.99/1\n")
    assert [(line, field) for line, field, _ in wrong(preview)] == [(2, "rtsp_url")]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("Gate,fast,,,", "fps"),
        ("Gate,nan,,,", "fps"),
        ("Gate,0,,,", "fps"),
        ("Gate,,maybe,,", "enabled"),
        ("Gate,,,Nowhere,", "zones"),
        ("Gate,,,#99999999999999999999,", "zones"),
        ("Gate,,,,91", "latitude"),
        ("Gate,,,,51", "longitude"),  # half a place
        (f"{'x' * 101},,,,", "name"),
        (",25,,,", "name"),
        ("a\x00b,,,,", "name"),
        ("Gate,,,,,7", ""),
    ],
)
def test_what_is_wrong_is_said_with_line_and_field_and_nothing_is_stored(
    admin: Client, line: str, field: str
) -> None:
    preview = send(admin, f"name,fps,enabled,zones,latitude\nGood,25,,,\n{line}\n")
    assert {(number, name) for number, name, _ in wrong(preview)} == {(3, field)}
    assert "Confirm import" not in preview.content.decode()
    assert confirm(admin, preview).status_code == 200
    assert not Camera.objects.exists()


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        (b"", "empty"),
        (b"name\n", "no rows"),
        (b"\xff\xfen\x00", "not UTF-8"),
        (b"nom\nGate\n", "no column"),
        (b"fps\n25\n", "name"),
        (b"name,name\na,b\n", "twice"),
        (b'name\n"Gate\n', "not CSV"),
        (b"name\n" + b"x\n" * 2001, "more than 2000 rows"),
        (b"name\n" + b"x" * 1024 * 1024, "larger than 1 MB"),
        (b"name\n" + b'"' + b"[" * 900_000 + b'"\n', "wrong"),
    ],
    ids=range(10),
)
def test_file_that_is_none_is_refused_with_the_reason(
    admin: Client, file: bytes, problem: str
) -> None:
    response = send(admin, file)
    assert response.status_code == 200
    assert problem in response.content.decode()
    assert not Camera.objects.exists()


def test_one_row_is_not_changed_by_two_lines(admin: Client) -> None:
    camera = make_camera(name="Gate")
    preview = send(admin, f"id,name\n{camera.pk},Gate\n,Gate\n,New\n,New\n99999,Lost\n")
    assert [(line, field) for line, field, _ in wrong(preview)] == [
        (3, "name"),
        (5, "name"),
        (6, "id"),
    ]


def test_what_changed_since_the_preview_is_shown_again(admin: Client) -> None:
    camera = make_camera(name="Gate", fps=10)
    preview = send(admin, "name,fps\nGate,25\n")
    Camera.objects.update(fps=20)
    again = confirm(admin, preview)
    assert "changed since the preview" in again.content.decode()
    assert "<del>20.0</del>" in again.content.decode()
    camera.refresh_from_db()
    assert camera.fps == 20
    lost = admin.post(IMPORT, {"content": "?", "digest": "x"})
    assert "Choose it again" in lost.content.decode()


def test_import_needs_the_rights_to_add_and_change_and_export_that_to_view(client: Client) -> None:
    make_camera(name="Gate")
    staff(client, "cameras.change_camera", "cameras.view_camera")
    assert send(client, "name\nYard\n").status_code == 403
    assert client.get(EXPORT).status_code == 200
    staff(client)
    assert client.get(EXPORT).status_code == 403
    staff(client, "cameras.change_camera", "cameras.add_camera")
    assert confirm(client, send(client, "name\nYard\n")).status_code == 302


def test_selected_rows_are_exported(admin: Client) -> None:
    camera = make_camera(name="Gate")
    make_camera(name="Yard")
    action = {"action": "export_selected", "_selected_action": [camera.pk]}
    content = admin.post(list_page(Camera), action).content.decode("utf-8-sig")
    assert "Gate" in content
    assert "Yard" not in content


def test_unchanged_rows_cost_no_statement_each(admin: Client) -> None:
    for number in range(20):
        make_camera(name=f"Camera {number}")
    file = admin.get(EXPORT).content
    with CaptureQueriesContext(connection) as queries:
        send(admin, file)
    assert len(queries) < 8


def test_form_is_protected_against_forgery(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    staff(client, superuser=True)
    assert send(client, "name\nYard\n").status_code == 403
    assert "file" in shown_form(client, IMPORT)
