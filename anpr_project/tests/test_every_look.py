"""Every route that shows a plate or a picture leaves exactly one entry, and none shows it without."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from pytest_django import Settings

from anpr_project.tests.access.principals import World
from anpr_project.tests.access.table import API, PAGES, Row, admin_rows, rows
from audit.models import AuditEntry
from events.models import PlateEvent

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("pictures_of_the_world"),
    # Each route has tests of its own that show what is covered; to trace these too took half of their time.
    pytest.mark.no_cover,
]
ROWS = [row for row in rows(API) + rows(PAGES) + admin_rows() if row.method == "GET"]
WHY = "case 4711"
# What a route gives that shows a vehicle without a letter of its plate.
OPAQUE = ("image/", "application/zip")
DOWNLOADS = ("/api/v1/events/export", "/api/v1/events/evidence", "/api/v1/plates/copy")
# Everything that shows reads; the test tells when one is missing here, or too many.
REVEALING = {
    *("/api/v1/events", "/api/v1/events/<int:pk>", "/api/v1/events/stats"),
    *("/api/v1/events/export", "/api/v1/events/evidence", "/api/v1/plates/copy?plate=QX77LKD"),
    *("/api/v1/events/<int:pk>/frame", "/api/v1/events/<int:pk>/frame?original=1"),
    *("/api/v1/events/<int:pk>/crop",),
    *("/admin/events/plateevent/", "/admin/events/plateevent/<path:object_id>/change/"),
}


def admin_client(world: World, row: Row) -> Client:
    admin = next(one for one in world.principals if one.name == "admin")
    client = admin.clients(is_page=not row.route.startswith("/api/"))[0]
    client.raise_request_exception = False
    return client


class Answer:
    """What came, and the entries that it left; everything is taken back."""

    def __init__(self, world: World, row: Row, before: str = "") -> None:
        event = PlateEvent.objects.get()
        newest = AuditEntry.objects.latest("id").pk
        with transaction.atomic():
            if before:
                connection.cursor().execute(before)
            with transaction.atomic():
                response: Any = admin_client(world, row).get(
                    world.path(row.route), headers={"X-Search-Reason": WHY}
                )
                self.status = response.status_code
                content = response.getvalue() if self.status == 200 else response.content
                if connection.needs_rollback:
                    transaction.set_rollback(True)
            self.entries = list(AuditEntry.objects.filter(pk__gt=newest))
            transaction.set_rollback(True)
        plates = (event.plate.encode(), event.plate_normalized.encode())
        kind = response.headers.get("Content-Type", "")
        self.reveals = any(plate in content for plate in plates) or (
            self.status == 200 and kind.startswith(OPAQUE)
        )


def test_each_look_leaves_one_entry_and_nothing_else_does(world: World) -> None:
    wrong, revealing = [], set()
    for row in ROWS:
        answer = Answer(world, row)
        if answer.reveals:
            revealing.add(row.route)
        if len(answer.entries) != answer.reveals:
            wrong.append(f"{row.route}: reveals {answer.reveals}, {len(answer.entries)} entries")
        for entry in answer.entries:
            said = (entry.reason, bool(entry.actor_id), bool(entry.actor), bool(entry.address))
            if said != (WHY, True, True, True):
                wrong.append(f"{row.route}: {said}")
    assert wrong == []
    assert revealing == REVEALING


REFUSE = """
CREATE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the disk of the log is full'; END $$;
CREATE TRIGGER refused BEFORE INSERT ON audit_auditentry FOR EACH ROW EXECUTE FUNCTION refused();
"""


@pytest.mark.skipif(connection.vendor != "postgresql", reason="the trigger is PostgreSQL's")
def test_what_cannot_be_written_down_is_not_shown(world: World) -> None:
    shown = []
    for row in (row for row in ROWS if row.route in REVEALING):
        answer = Answer(world, row, before=REFUSE)
        if answer.reveals or answer.status < 500:
            shown.append(f"{row.route}: {answer.status}")
    assert shown == []


def test_a_look_that_is_broken_off_was_written_down_before(world: World) -> None:
    downloads = [route for route in REVEALING if route.startswith(DOWNLOADS)]
    assert len(downloads) == len(DOWNLOADS)
    for route in downloads:
        row = next(row for row in ROWS if row.route == route)
        newest = AuditEntry.objects.latest("id").pk
        with transaction.atomic():
            response: Any = admin_client(world, row).get(route)
            next(iter(response))
            response._iterator.close()
            assert AuditEntry.objects.filter(pk__gt=newest).count() == 1
            transaction.set_rollback(True)


def test_where_a_reason_is_demanded_no_route_shows_anything_without(
    world: World, settings: Settings
) -> None:
    settings.REQUIRE_SEARCH_REASON = True
    for row in (row for row in ROWS if row.route in REVEALING):
        with transaction.atomic():
            response = admin_client(world, row).get(world.path(row.route))
            transaction.set_rollback(True)
        assert response.status_code in (302, 400), row.route
