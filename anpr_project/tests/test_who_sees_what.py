"""Every route, for every kind of visitor, against the table; a route that is not in it fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from anpr_project.tests.access.principals import Principal, World
from anpr_project.tests.access.routes import all_routes, documented, nameless
from anpr_project.tests.access.table import (
    API,
    CREDENTIAL_ITSELF,
    ONWARDS,
    PAGES,
    SENSORS_ONLY,
    Row,
    admin_rows,
    rows,
)
from events.routing import websocket_urlpatterns
from events.stream.admission import Refused, admit

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("pictures_of_the_world"),
    # Each route has tests of its own that show what is covered; to trace these too took half of their time.
    pytest.mark.no_cover,
]
API_ROWS = rows(API)
PAGE_ROWS = rows(PAGES) + admin_rows()
TABLE = API_ROWS + PAGE_ROWS
ABSENT = 10**9


def ask(client: Any, path: str, method: str) -> int:
    """Return the status; whatever the request changed is taken back."""
    body = {"data": "{}", "content_type": "application/json"} if path.startswith("/api/") else {}
    with transaction.atomic():
        answer = client.generic(method, path, **body)
        if answer.streaming:
            b"".join(answer)
        transaction.set_rollback(True)
    return int(answer.status_code)


def visitors(world: World, row: Row) -> list[Principal]:
    """Return who has to be tried: all, but where all of a kind are one to the door."""
    if row.route == "/schema":
        return world.principals[:1]  # a second of work, the same for everybody
    if row.route.startswith("/admin/"):
        return [one for one in world.principals if one.name in ("anon", "viewer", "admin", "staff")]
    return world.principals


def visits(world: World, row: Row) -> Iterator[tuple[Principal, Any, int]]:
    """Yield each way in which each principal may come, and what the table promises for it."""
    is_page = not row.route.startswith("/api/")
    for principal in visitors(world, row):
        for client in principal.clients(is_page=is_page):
            expected = row.statuses[principal.name]
            if row.route in SENSORS_ONLY and client.cookies:
                expected = 401
            yield principal, client, expected


def differences(world: World, table: list[Row]) -> list[str]:
    return [
        f"{row.method} {row.route} {principal.name}: {status}, not {expected}"
        for row in table
        for principal, client, expected in visits(world, row)
        if (status := ask(client, world.path(row.route), row.method)) != expected
    ]


def test_every_route_is_in_the_table_and_nothing_else() -> None:
    known = {(route, method) for route, methods in all_routes().items() for method in methods}
    # What answers GET answers HEAD; DRF notes that at a view's first request only.
    known = {(route, method) for route, method in known if method != "HEAD"}
    # A page is asked by GET; what its POST does is in the tests of the page.
    pages = {(r, m) for r, m in known if not r.startswith("/api/") and m == "GET"}
    api = {(r, m) for r, m in known if r.startswith("/api/")} - CREDENTIAL_ITSELF
    found = {
        (route, method)
        for route, method in pages | api
        if not route.startswith(ONWARDS) and not re.search(r"<path:object_id>/$", _short(route))
    }

    listed = {(row.route.partition("?")[0], row.method) for row in TABLE}
    assert found - listed == set(), "routes that nobody has thought about: add them to the table"
    assert listed - found == set(), "routes of the table that are gone"


def _short(route: str) -> str:
    """The old address of a change page, which leads on to it."""
    return route if re.fullmatch(r"/admin/\w+/\w+/<path:object_id>/", route) else ""


def test_every_documented_operation_is_in_the_table_and_says_who_may() -> None:
    anonymous = {(nameless(r.route), r.method): r.statuses["anon"] for r in API_ROWS}

    for operation, is_protected in documented().items():
        if (operation[0], operation[1]) in CREDENTIAL_ITSELF:
            continue
        assert operation in anonymous, operation
        assert (anonymous[operation] == 401) == is_protected, operation


@pytest.mark.parametrize("part", range(4))
def test_the_api_answers_as_the_table_says(world: World, part: int) -> None:
    assert differences(world, API_ROWS[part::4]) == []


def test_the_pages_answer_as_the_table_says(world: World) -> None:
    assert differences(world, rows(PAGES)) == []


@pytest.mark.parametrize("part", range(3))
def test_the_admin_answers_as_the_table_says(world: World, part: int) -> None:
    assert differences(world, admin_rows()[part::3]) == []


def test_what_is_absent_looks_the_same_to_who_may_not_see_it(world: World) -> None:
    """Or ids could be found out: 404 is for those only who would see what is there."""
    wrong = []
    for row in (row for row in API_ROWS if "<int:pk>" in row.route and "?" not in row.route):
        for principal, client, present in visits(world, row):
            if client.cookies:
                continue
            # Whether the body or the id is looked at first is no secret to who may do both.
            expected = {present} if present in (401, 403) else {404} | ({present} & {400})
            path = world.path(row.route.replace("<int:pk>", str(ABSENT)))
            if (status := ask(client, path, row.method)) not in expected:
                wrong.append(f"{row.method} {path} {principal.name}: {status}")
    assert wrong == []


def test_a_method_that_is_not_in_the_table_does_nothing(world: World) -> None:
    listed = {(row.route, row.method) for row in TABLE}
    admin = next(one for one in world.principals if one.name == "admin")
    open_ones = [
        f"{method} {route}"
        for route in {row.route for row in API_ROWS}
        for method in ("POST", "PUT", "PATCH", "DELETE")
        if (route, method) not in listed | CREDENTIAL_ITSELF
        and ask(admin.clients(is_page=False)[1], world.path(route), method) not in (401, 403, 405)
    ]

    assert open_ones == []


def test_the_stream_is_the_only_socket_and_admits_who_may_see_events(world: World) -> None:
    assert [str(one.pattern) for one in websocket_urlpatterns] == ["api/v1/events/stream"]
    expected = {"viewer": 0, "operator": 0, "admin": 0, "staff": 4403}
    for principal in world.principals:
        assert knock(principal.authorization) == expected.get(principal.name, 4401), principal.name
        cookie = f"sessionid={principal.session}"
        assert knock(cookie=cookie) == expected.get(principal.name, 4401), principal.name
        if principal.name in expected:
            assert knock(cookie=cookie, origin="http://elsewhere") == 4403


def knock(authorization: str = "", cookie: str = "", origin: str = "http://here") -> int:
    given = {"authorization": authorization, "cookie": cookie, "origin": origin, "host": "here"}
    headers = [(name.encode(), value.encode()) for name, value in given.items() if value]
    try:
        admit({"headers": headers})
    except Refused as refusal:
        return refusal.code
    return 0
