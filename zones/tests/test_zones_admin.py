from __future__ import annotations

import json

import pytest
from django.test import Client
from pytest_django import Settings

from anpr_project.lib.tests.admin_pages import list_page, page, shown_form, staff
from zones.models import Zone
from zones.tests.factories import SQUARE, make_zone


@pytest.mark.main_path
def test_zone_is_listed_made_changed_and_deleted(client: Client, db: None) -> None:
    staff(client, superuser=True)
    form = {"name": "gate", "zone_type": "parking", "space": "map", "capacity": "4"}
    form |= {"geometry": json.dumps(SQUARE), "enabled": "on"}
    assert client.post(list_page(Zone, "add"), form).status_code == 302
    zone = Zone.objects.get()
    assert (zone.geometry, zone.capacity, zone.enabled) == (SQUARE, 4, True)
    assert b"gate" in client.get(list_page(Zone), {"q": "GATE", "space": "map"}).content
    shown = shown_form(client, page(zone))
    assert client.post(page(zone), shown | {"capacity": "5"}).status_code == 302
    zone.refresh_from_db()
    assert (zone.geometry, zone.capacity) == (SQUARE, 5)
    assert client.post(page(zone, "delete"), {"post": "yes"}).status_code == 302
    assert not Zone.objects.exists()


@pytest.mark.parametrize(
    "geometry",
    [
        "",
        "{}",
        "nonsense",
        "[" * 100_000,
        "[" * 900 + "]" * 900,
        "9" * 5000,
        '{"type": "Polygon", "coordinates": [[[NaN, 0], [1, 0], [1, 1], [NaN, 0]]]}',
        '{"type": "Polygon", "x": NaN}',
        '{"type": "\\u0000"}',
        '{"type": "\\ud800"}',
        '{"type": "Polygon", "coordinates": []}',
    ],
    ids=range(11),
)
def test_wrong_geometry_is_said_on_the_page(client: Client, db: None, geometry: str) -> None:
    staff(client, superuser=True)
    form = {"name": "gate", "zone_type": "detection", "space": "map", "geometry": geometry}
    response = client.post(list_page(Zone, "add"), form)
    assert response.status_code == 200
    assert "geometry" in response.context["adminform"].form.errors
    zone = make_zone()
    changed = client.post(page(zone), form)
    assert changed.status_code == 200
    zone.refresh_from_db()
    assert zone.geometry == SQUARE


def test_staff_without_permission_sees_nothing(client: Client, db: None) -> None:
    staff(client)
    assert client.get(list_page(Zone)).status_code == 403


def test_page_asks_no_other_host_unless_tiles_are_set(
    client: Client, db: None, settings: Settings
) -> None:
    staff(client, superuser=True)
    assert "img-src 'self' data:;" in client.get(list_page(Zone, "add"))["Content-Security-Policy"]
    settings.MAP_TILES_URL = "https://tiles.example:81/{z}/{x}/{y}.png"
    settings.MAP_ATTRIBUTION = "<b> Maps"
    for path in (list_page(Zone, "add"), page(make_zone())):
        answer = client.get(path)
        assert "img-src 'self' https://tiles.example:81 data:;" in answer["Content-Security-Policy"]
        content = answer.content.decode()
        assert f'data-tiles="{settings.MAP_TILES_URL}" data-attribution="&lt;b&gt; Maps"' in content
    assert "tiles.example" not in client.get(list_page(Zone))["Content-Security-Policy"]
    settings.MAP_TILES_URL = "/tiles/{z}/{x}/{y}.png"
    assert "img-src 'self' data:;" in client.get(list_page(Zone, "add"))["Content-Security-Policy"]
