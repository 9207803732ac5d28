"""A zone's admin page says which cameras see it."""

from __future__ import annotations

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from anpr_project.lib.tests.admin_pages import list_page, page, shown_form, staff
from cameras.models import Camera
from cameras.tests.factories import make_camera
from zones.models import Zone
from zones.tests.factories import SQUARE, make_zone


@pytest.mark.main_path
def test_new_zone_is_seen_by_the_cameras_chosen_with_it(client: Client, db: None) -> None:
    staff(client, superuser=True)
    north, south, _ = make_camera(), make_camera(), make_camera()
    form = {"name": "gate", "zone_type": "detection", "space": "image", "enabled": "on"}
    form |= {"geometry": json.dumps(SQUARE)}
    answer = client.post(list_page(Zone, "add"), form | {"cameras": [north.pk, south.pk]})
    assert answer.status_code == 302
    zone = Zone.objects.get()
    assert set(zone.cameras.all()) == {north, south}

    answer = client.post(page(zone), form | {"cameras": [south.pk]})

    assert answer.status_code == 302
    assert list(zone.cameras.all()) == [south]
    assert "Seen by" in LogEntry.objects.latest("id").change_message


def test_saving_the_shown_form_keeps_the_cameras(client: Client, db: None) -> None:
    staff(client, superuser=True)
    zone = make_zone()
    camera = make_camera(zone)
    shown = shown_form(client, page(zone))
    assert shown["cameras"] == str(camera.pk)
    assert client.post(page(zone), shown | {"name": "renamed"}).status_code == 302
    assert list(Zone.objects.get(name="renamed").cameras.all()) == [camera]


@pytest.mark.parametrize("cameras", ["x", "999999", "9" * 30])
def test_camera_that_is_none_is_refused_on_the_page(client: Client, db: None, cameras: str) -> None:
    staff(client, superuser=True)
    form = {"name": "gate", "zone_type": "detection", "space": "image"}
    form |= {"geometry": json.dumps(SQUARE), "cameras": cameras}
    response = client.post(list_page(Zone, "add"), form)
    assert "cameras" in response.context["adminform"].form.errors
    assert client.get(list_page(Zone, "add"), {"cameras": cameras}).status_code == 200


def test_who_may_not_change_cameras_sees_them_and_leaves_them(client: Client, db: None) -> None:
    zone = make_zone()
    camera = make_camera(zone, name="North gate")
    staff(client, "zones.view_zone", "zones.change_zone", "zones.add_zone")
    assert "North gate" in client.get(page(zone)).content.decode()
    shown = shown_form(client, page(zone))
    assert "cameras" not in shown
    assert client.post(page(zone), shown | {"cameras": ""}).status_code == 302
    assert list(zone.cameras.all()) == [camera]
    assert client.get(list_page(Zone, "add")).status_code == 200
    staff(client, "zones.view_zone", "cameras.change_camera")
    assert "North gate" in client.get(page(zone)).content.decode()


def test_camera_page_leads_to_a_new_zone_that_it_sees(client: Client, db: None) -> None:
    camera = make_camera()
    staff(client, "cameras.view_camera")
    assert "draw-zone" not in client.get(page(camera)).content.decode()
    assert client.get(page(camera, "draw_zone")).status_code == 403
    staff(client, superuser=True)
    assert page(camera, "draw_zone") in client.get(page(camera)).content.decode()
    led = client.get(page(camera, "draw_zone"), follow=True)
    assert led.redirect_chain == [(f"{list_page(Zone, 'add')}?cameras={camera.pk}", 302)]
    shown = shown_form(client, led.redirect_chain[0][0])
    assert (shown["cameras"], shown["space"]) == (str(camera.pk), "image")
    assert Camera.objects.count() == 1
