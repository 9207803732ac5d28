"""GET / and the errors of addresses that are none."""

from __future__ import annotations

import pytest
from django.test import Client, RequestFactory
from django.urls import Resolver404, resolve
from pytest_django import Settings
from rest_framework.test import APIClient

from anpr_project import __version__
from anpr_project.root import DOCS, LINKS

JSON = "application/json"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_the_root_tells_name_version_and_where_to_go(client: Client) -> None:
    response = client.get("/")

    assert response.status_code == 200
    assert response.json() == {
        "name": "ANPR Cloud",
        "version": __version__,
        "links": LINKS | DOCS,
    }


@pytest.mark.parametrize("link", sorted((LINKS | DOCS).values()))
def test_every_link_leads_somewhere(link: str) -> None:
    try:
        resolve(link)
    except Resolver404:
        pytest.fail(f"{link} is not mounted")


@pytest.mark.parametrize("urls", ["anpr_project.urls", "anpr_project.stream_urls"])
def test_the_stream_without_a_socket_says_what_it_is(rf: RequestFactory, urls: str) -> None:
    path = "/api/v1/events/stream"

    response = resolve(path, urls).func(rf.get(path))

    assert response.status_code == 426
    assert response["Upgrade"] == "websocket"
    assert b'"upgrade_required"' in response.content


def test_the_root_links_no_documentation_that_is_switched_off(
    client: Client, settings: Settings
) -> None:
    settings.API_DOCS = False

    assert not set(DOCS) & set(client.get("/").json()["links"])


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
@pytest.mark.parametrize("path", ["/", "/health", "/ready", "/liveness", "/metrics"])
def test_reading_addresses_refuse_other_methods(path: str, method: str) -> None:
    response = getattr(Client(enforce_csrf_checks=True), method)(path)

    assert response.status_code == 405
    assert response.json()["code"] == "method_not_allowed"
    assert response["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/nothing", "/\xff", "/a%00b", "/api/v1/x/"])
def test_an_unknown_address_is_a_json_404(client: Client, path: str) -> None:
    response = client.get(path)

    assert response.status_code == 404
    assert response.json() == {
        "code": "not_found",
        "message": "There is nothing at this address.",
        "errors": [],
    }


def test_a_browser_gets_a_page_but_not_below_the_api(client: Client) -> None:
    page = client.get("/nothing", headers={"Accept": BROWSER})
    below = client.get("/api/v1/nothing", headers={"Accept": BROWSER})

    assert (page.status_code, page["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert (below.status_code, below["Content-Type"]) == (404, JSON)


@pytest.mark.parametrize(("accept", "kind"), [(BROWSER, "text/html"), ("*/*", JSON)])
def test_a_wrong_host_is_a_400_in_the_caller_s_format(
    client: Client, accept: str, kind: str
) -> None:
    response = client.get("/nothing", headers={"Host": "evil.example", "Accept": accept})

    assert response.status_code == 400
    assert response["Content-Type"].startswith(kind)


@pytest.mark.parametrize(("accept", "kind"), [(BROWSER, "text/html"), ("*/*", JSON)])
@pytest.mark.parametrize(("failure", "status"), [(PermissionError, 500), (None, 403)])
def test_failures_of_plain_views_have_the_shape_too(
    monkeypatch: pytest.MonkeyPatch,
    accept: str,
    kind: str,
    failure: type[Exception] | None,
    status: int,
) -> None:
    from django.core.exceptions import PermissionDenied
    from django.http import JsonResponse

    def fail(*args: object, **kwargs: object) -> JsonResponse:
        raise failure() if failure else PermissionDenied

    monkeypatch.setattr("anpr_project.root.JsonResponse", fail)

    response = Client(raise_request_exception=False).get("/", headers={"Accept": accept})

    assert response.status_code == status
    assert response["Content-Type"].startswith(kind)


@pytest.mark.django_db
def test_the_api_may_be_called_from_listed_sites_only(
    anonymous: APIClient, settings: Settings
) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://map.example"]
    wanted = {"Access-Control-Request-Method": "GET"}

    listed = anonymous.options(
        "/api/v1/events", headers={"Origin": "https://map.example", **wanted}
    )
    refused = anonymous.get("/api/v1/events", headers={"Origin": "https://map.example"})
    other = anonymous.get("/api/v1/events", headers={"Origin": "https://other.example"})
    outside = anonymous.get("/health", headers={"Origin": "https://map.example"})

    assert listed["Access-Control-Allow-Origin"] == "https://map.example"
    assert "authorization" in listed["Access-Control-Allow-Headers"]
    # Also on an error, or the page's script could not read it.
    assert refused.status_code == 401
    assert refused["Access-Control-Allow-Origin"] == "https://map.example"
    assert "Access-Control-Allow-Origin" not in other
    assert "Access-Control-Allow-Origin" not in outside
