from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from events.tests.rows import make_event

URL = "/api/v1/events"


@pytest.mark.main_path
def test_event_is_shown_with_its_exports(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    event = make_event(tyres=["ff"])
    # Its month; the event with its sensor, camera and zone; its tyres; where it was delivered; the audit log.
    with django_assert_num_queries(5):
        response = api.get(f"{URL}/{event.pk}")
    assert response.status_code == 200
    body = response.json()
    assert (body["id"], body["event_id"]) == (event.pk, str(event.event_id))
    assert body["tpms"][0]["id"] == "ff"
    [listed] = api.get(URL).json()["results"]
    assert body == listed | {"exports": []}


@pytest.mark.parametrize("pk", ["1", "0", str(2**63 - 1), str(2**63), "9" * 50])
def test_unknown_event_is_not_found(api: APIClient, pk: str) -> None:
    response = api.get(f"{URL}/{pk}")
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"
