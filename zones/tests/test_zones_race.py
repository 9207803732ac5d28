"""What two requests at the same moment must not do; on real connections."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction
from rest_framework.response import Response
from rest_framework.test import APIClient

from anpr_project.lib.tests.factories import make_user
from zones.models import Zone
from zones.tests.factories import make_zone

OUTSIDE_OF_AN_IMAGE = {"type": "Polygon", "coordinates": [[[0, 0], [20, 0], [20, 20], [0, 0]]]}


def in_thread(work: Callable[[], Response]) -> tuple[threading.Thread, list[int]]:
    statuses: list[int] = []

    def run() -> None:
        statuses.append(work().status_code)
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, statuses


@pytest.mark.django_db(transaction=True)
def test_two_patches_that_each_pass_do_not_add_up_to_a_wrong_zone() -> None:
    client = APIClient()
    client.force_authenticate(make_user(is_superuser=True))
    zone = make_zone(space="map")
    with transaction.atomic():
        locked = Zone.objects.select_for_update().get(pk=zone.pk)
        thread, statuses = in_thread(
            lambda: client.patch(f"/api/v1/config/zones/{zone.pk}", {"space": "image"})
        )
        thread.join(timeout=1)
        assert thread.is_alive()  # it waits for the row
        locked.geometry = OUTSIDE_OF_AN_IMAGE
        locked.save()
    thread.join(timeout=10)
    assert statuses == [400]
    zone.refresh_from_db()
    assert zone.space == "map"
