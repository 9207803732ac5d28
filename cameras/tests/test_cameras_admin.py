from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from anpr_project.lib.tests.admin_pages import list_page, page, shown_form, staff
from cameras.models import Camera
from cameras.tests.factories import make_camera
from zones.models import Zone
from zones.tests.factories import make_zone

STORED = "rtsp://viewer:s3cret@192.0.2.1:554/stream"
MASKED = "rtsp://viewer:***@192.0.2.1:554/stream"


@pytest.mark.main_path
def test_saving_the_shown_form_keeps_the_password(client: Client, db: None) -> None:
    staff(client, superuser=True)
    camera = make_camera(rtsp_url=STORED)
    shown = shown_form(client, page(camera))
    assert shown["rtsp_url"] == MASKED
    response = client.post(page(camera), shown | {"address": "elsewhere"}, follow=True)
    assert b"s3cret" not in response.content
    camera.refresh_from_db()
    assert (camera.rtsp_url, camera.address) == (STORED, "elsewhere")


def test_mask_at_another_host_is_refused_on_the_page(client: Client, db: None) -> None:
    staff(client, superuser=True)
    camera = make_camera(rtsp_url=STORED)
    shown = shown_form(client, page(camera))
    for url in ("rtsp://viewer:***@192.0.2.66/stream", "rtsp://viewer:***@[::1"):
        response = client.post(page(camera), shown | {"rtsp_url": url})
        assert response.status_code == 200
        assert "rtsp_url" in response.context["adminform"].form.errors
        assert b"s3cret" not in response.content
    camera.refresh_from_db()
    assert camera.rtsp_url == STORED


def test_new_password_is_stored_and_not_logged(client: Client, db: None) -> None:
    staff(client, superuser=True)
    camera = make_camera(rtsp_url=STORED)
    shown = shown_form(client, page(camera)) | {"rtsp_url": STORED.replace("s3cret", "n3w")}
    assert client.post(page(camera), shown).status_code == 302
    camera.refresh_from_db()
    assert camera.rtsp_url == "rtsp://viewer:n3w@192.0.2.1:554/stream"
    assert "n3w" not in LogEntry.objects.get().change_message


def test_no_page_shows_the_password_not_even_a_read_only_one(client: Client, db: None) -> None:
    camera = make_camera(rtsp_url=STORED)
    staff(client, "cameras.view_camera")
    response = client.get(page(camera))
    assert response.status_code == 200
    assert MASKED.encode() in response.content
    staff(client, superuser=True)
    pages = [response, client.get(list_page(Camera)), client.get(page(camera, "history"))]
    pages += [client.get(page(camera)), client.get(page(camera, "delete"))]
    for answer in pages:
        assert answer.status_code == 200
        assert b"s3cret" not in answer.content


def test_camera_with_zones_and_place_is_made_and_listed(client: Client, db: None) -> None:
    staff(client, superuser=True)
    zone = make_zone(name="north lane")
    form = shown_form(client, list_page(Camera, "add"))
    form |= {"name": "gate", "latitude": "51.5", "longitude": "-0.12", "fps": ""}
    form |= {"camerazone_set-TOTAL_FORMS": "1", "camerazone_set-0-zone": str(zone.pk)}
    response = client.post(list_page(Camera, "add"), form)
    assert response.status_code == 302, response.context["adminform"].form.errors
    make_camera(name="nowhere")
    gate = Camera.objects.get(name="gate")
    assert (gate.latitude, gate.longitude, list(gate.zones.all())) == (51.5, -0.12, [zone])
    shown = client.get(list_page(Camera)).content.decode()
    assert "north lane" in shown
    assert b"nowhere" not in client.get(list_page(Camera), {"zones__id__exact": zone.pk}).content


def test_half_a_place_is_said_on_the_page(client: Client, db: None) -> None:
    staff(client, superuser=True)
    form = shown_form(client, list_page(Camera, "add")) | {"name": "gate", "latitude": "51.5"}
    response = client.post(list_page(Camera, "add"), form)
    assert "longitude" in response.context["adminform"].form.errors


@pytest.mark.main_path
def test_zone_in_use_is_kept_by_button_and_bulk_action(client: Client, db: None) -> None:
    staff(client, superuser=True)
    used, free = make_zone(), make_zone()
    make_camera(used)
    for method in (client.get, client.post):
        response = method(page(used, "delete"), {"post": "yes"})
        assert response.status_code == 200
        assert "Disable it instead of deleting it." in response.content.decode()
    action = {"action": "delete_selected", "_selected_action": [used.pk, free.pk]}
    for more in ({}, {"post": "yes"}):
        response = client.post(list_page(Zone), action | more)
        assert response.status_code == 200
        assert "Disable it instead of deleting it." in response.content.decode()
    assert Zone.objects.count() == 2
    action = {"action": "delete_selected", "_selected_action": [free.pk], "post": "yes"}
    assert client.post(list_page(Zone), action).status_code == 302
    assert list(Zone.objects.all()) == [used]


@pytest.mark.parametrize("where", ["delete", "bulk"])
def test_use_that_comes_between_check_and_deletion_is_said(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    staff(client, superuser=True)
    zone = make_zone()
    make_camera(zone)
    honest, asked = Zone.used_by, []

    def late(self: Zone) -> list[str]:
        asked.append(self)
        return honest(self) if len(asked) > 1 else []

    monkeypatch.setattr(Zone, "used_by", late)
    if where == "delete":
        response = client.post(page(zone, "delete"), {"post": "yes"})
    else:
        action = {"action": "delete_selected", "_selected_action": [zone.pk], "post": "yes"}
        response = client.post(list_page(Zone), action)
    assert response.status_code == 302
    shown = client.get(list_page(Zone)).content.decode()
    assert "Disable it instead of deleting it." in shown
    assert Zone.objects.filter(pk=zone.pk).exists()
