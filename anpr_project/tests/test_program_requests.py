"""Programs are answered past the middleware for browsers, and nobody can tell by the answer."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.sessions.middleware import SessionMiddleware
from django.test import Client
from knox.models import AuthToken
from prometheus_client import REGISTRY

from anpr_project.lib.tests.factories import make_user
from events.tests.conftest import make_sender
from events.tests.factories import picture, reading

pytestmark = pytest.mark.django_db
EVENTS = "/api/v1/events"
CAMERAS = "/api/v1/config/cameras"
# Of nothing: but a browser may have sent it.
COOKIE = {"Cookie": "colour=blue"}
ASKED = [
    ("GET", f"{EVENTS}?limit=1"),
    ("HEAD", EVENTS),
    ("POST", EVENTS),
    ("FOO", EVENTS),
    ("GET", f"{EVENTS}?limit=0"),
    ("GET", f"{EVENTS}/stats"),
    ("GET", f"{EVENTS}/export?captured_after=2090-01-01T00:00:00Z"),
    ("GET", f"{EVENTS}/stream"),
    ("POST", f"{EVENTS}/stream"),
    ("GET", f"{EVENTS}/ingest"),
    ("POST", f"{EVENTS}/ingest"),
    ("GET", f"{EVENTS}/999999"),
    ("GET", f"{EVENTS}/"),
    ("GET", "/api/v1/nothing"),
    ("GET", CAMERAS),
    ("POST", CAMERAS),
    ("POST", "/api/v1/auth/token"),
]


def ask(method: str, path: str, **headers: str) -> tuple[Any, ...]:
    """Return all that can be told of the answer."""
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    headers |= {"X-Request-ID": "the-same-for-all"}
    answer: Any = client.generic(method, path, b"{", "application/json", headers=headers)
    content = b"".join(answer) if answer.streaming else answer.content
    told = dict(answer.items())
    told.pop("Content-Disposition", None)  # of a download: it tells the time
    return answer.status_code, told, content, answer.cookies.output()


def token(role: str = "Administrators") -> str:
    return f"Token {AuthToken.objects.create(make_user(role=role))[1]}"


@pytest.mark.main_path
@pytest.mark.parametrize("kind", ["live", "of a viewer", "dead", "empty"])
def test_the_answer_is_that_of_the_usual_way(kind: str) -> None:
    authorization = {
        "live": token(),
        "of a viewer": token("Viewers").replace("Token", "token"),
        "dead": f"Token {'0' * 64}",
        "empty": "Token",
    }[kind]
    event = make_sender().send(reading(), frame=picture()).json()["id"]
    seen = [("GET", f"{EVENTS}/{event}"), ("GET", f"{EVENTS}/{event}/frame")]

    for method, path in [*ASKED, *seen]:
        straight = ask(method, path, Authorization=authorization)
        usual = ask(method, path, Authorization=authorization, **COOKIE)
        assert straight == usual, (method, path)


@pytest.mark.parametrize(
    ("method", "path", "headers", "is_straight"),
    [
        ("GET", EVENTS, {}, True),
        ("POST", CAMERAS, {}, True),
        ("GET", EVENTS, COOKIE, False),
        ("GET", EVENTS, {"Origin": "https://elsewhere.example"}, False),
        ("OPTIONS", EVENTS, {}, False),
        ("GET", EVENTS, {"Authorization": "Basic YTpi"}, False),
        ("GET", EVENTS, {"Authorization": ""}, False),
        ("GET", EVENTS, {"Authorization": "Api-Key x"}, False),
        ("GET", "/api/v1/nothing", {}, False),
        ("GET", "/admin/", {}, False),
        ("GET", "/live", {}, False),
        ("GET", "/account", {}, False),
    ],
)
def test_only_a_program_at_an_address_of_the_api_goes_straight(
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    headers: dict[str, str],
    is_straight: bool,
) -> None:
    sessions: list[str] = []
    process = SessionMiddleware.process_request

    def note(self: SessionMiddleware, request: Any) -> None:
        sessions.append(request.path)
        process(self, request)

    monkeypatch.setattr(SessionMiddleware, "process_request", note)

    ask(method, path, **{"Authorization": token()} | headers)

    assert sessions == ([] if is_straight else [path])


def test_an_unknown_host_is_refused() -> None:
    status, *_ = ask("GET", EVENTS, Authorization=token(), Host="elsewhere.example")
    assert status == 400


def test_requests_are_counted_as_all_others() -> None:
    def counted() -> float:
        labels = {"status": "200", "view": "event-list", "method": "GET"}
        name = "django_http_responses_total_by_status_view_method_total"
        return REGISTRY.get_sample_value(name, labels) or 0

    authorization = token()
    before = counted()
    ask("GET", EVENTS, Authorization=authorization)
    ask("GET", EVENTS, Authorization=authorization, **COOKIE)
    assert counted() - before == 2
