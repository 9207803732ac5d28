from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from anpr_project.lib.tests.admin_pages import list_page, staff
from zones.models import Zone
from zones.tests.factories import SQUARE, make_zone

IMPORT = list_page(Zone, "import_csv")


def line(geometry: object, name: str = "Yard") -> str:
    text = json.dumps(geometry).replace('"', '""')
    return f'name,zone_type,space,geometry,capacity\n{name},parking,map,"{text}",12\n'


@pytest.mark.main_path
def test_zone_comes_back_as_it_went_and_a_new_one_is_made(client: Client, db: None) -> None:
    staff(client, superuser=True)
    make_zone(name="Gate")
    file = client.get(list_page(Zone, "export_csv")).content
    preview = client.post(IMPORT, {"file": SimpleUploadedFile("zones.csv", file)})
    assert preview.context["counts"]["unchanged"] == 1
    preview = client.post(IMPORT, {"file": SimpleUploadedFile("z.csv", line(SQUARE).encode())})
    sent = {"content": preview.context["content"], "digest": preview.context["plan"].digest}
    assert client.post(IMPORT, sent).status_code == 302
    zone = Zone.objects.get(name="Yard")
    assert (zone.geometry, zone.capacity) == (SQUARE, 12)


@pytest.mark.parametrize(
    ("geometry", "problem"),
    [
        ({"type": "Point", "coordinates": [0, 0]}, "Polygon"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [9, 9], [9, 0], [0, 9], [0, 0]]]}, "Self"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [181, 0], [1, 1], [0, 0]]]}, "outside"),
        (None, "null"),
    ],
)
def test_geometry_is_judged_as_the_api_judges_it(
    client: Client, db: None, geometry: object, problem: str
) -> None:
    staff(client, superuser=True)
    file = SimpleUploadedFile("zones.csv", line(geometry).encode())
    preview = client.post(IMPORT, {"file": file})
    [(field, text)] = preview.context["plan"].wrong[0].problems
    assert field == "geometry"
    assert problem in text
