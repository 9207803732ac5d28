"""References that appear between a check and the commit; on a real transaction."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import QuerySet
from django.test import Client
from rest_framework.test import APIClient

from anpr_project.lib.tests.admin_pages import list_page, page, staff
from anpr_project.lib.tests.factories import make_user
from cameras.models import Camera, CameraZone
from cameras.tests.factories import make_camera
from zones.models import Zone
from zones.tests.factories import make_zone


@pytest.fixture
def committing(transactional_db: None) -> APIClient:
    client = APIClient()
    client.force_authenticate(make_user(is_superuser=True))
    return client


@pytest.mark.main_path
def test_zone_taken_into_use_meanwhile_is_kept(
    committing: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = make_zone()
    make_camera(zone)
    monkeypatch.setattr(Zone, "used_by", lambda self: [])
    response = committing.delete(f"/api/v1/config/zones/{zone.pk}")
    assert response.status_code == 409
    assert response.json()["code"] == "conflict"
    assert Zone.objects.filter(pk=zone.pk).exists()


@pytest.mark.main_path
def test_camera_with_a_zone_deleted_meanwhile_is_not_half_made(
    committing: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = make_zone()
    create = QuerySet.bulk_create

    def deleted_first(rows: QuerySet[CameraZone], *args: Any, **options: Any) -> object:
        Zone.objects.filter(pk=zone.pk)._raw_delete("default")
        return create(rows, *args, **options)

    monkeypatch.setattr(QuerySet, "bulk_create", deleted_first)
    response = committing.post("/api/v1/config/cameras", {"name": "gate", "zones": [zone.pk]})
    assert response.status_code == 409, response.content
    assert not Camera.objects.exists()
    assert Zone.objects.exists()


def test_zone_taken_into_use_meanwhile_is_said_in_the_admin(
    transactional_db: None, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    staff(client, superuser=True)
    zone = make_zone()
    make_camera(zone)
    monkeypatch.setattr(Zone, "used_by", lambda self: [])
    assert client.post(page(zone, "delete"), {"post": "yes"}).status_code == 302
    assert "changed at the same moment" in client.get(list_page(Zone)).content.decode()
    assert Zone.objects.filter(pk=zone.pk).exists()
