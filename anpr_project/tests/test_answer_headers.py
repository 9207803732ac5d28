"""The headers that every answer carries: pages, API, files, redirects, errors."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from anpr_project import root
from anpr_project.lib.content_policy import ADMIN, HEADER, HEADERS, STRICT

pytestmark = pytest.mark.django_db
NOTHING = HEADERS[HEADER]
STATIC = "/static/anpr/base/base.css"


def ask(path: str, method: str = "get", **headers: str) -> Any:
    answer = Client(raise_request_exception=False).generic(method.upper(), path, headers=headers)
    if answer.streaming:
        b"".join(answer)  # so that its file is closed
    return answer


@pytest.mark.parametrize(
    ("path", "status", "policy"),
    [
        ("/", 200, NOTHING),
        ("/liveness", 200, NOTHING),
        ("/metrics", 200, NOTHING),
        ("/texts.js", 200, NOTHING),
        ("/schema", 200, NOTHING),
        (STATIC, 200, NOTHING),
        ("/static/anpr/nothing.css", 404, NOTHING),
        ("/api/v1/events", 401, NOTHING),
        ("/api/v1/nothing", 404, NOTHING),
        ("/nothing", 404, NOTHING),
        ("/live", 302, STRICT),
        ("/login", 200, STRICT),
        ("/docs", 200, ADMIN),
        ("/admin/", 302, ADMIN),
    ],
)
def test_every_kind_of_answer_has_them(path: str, status: int, policy: str) -> None:
    answer = ask(path)

    assert answer.status_code == status
    assert {name: answer.get(name) for name in HEADERS} == HEADERS | {HEADER: policy}


@pytest.mark.parametrize(
    ("path", "method", "headers", "status"),
    [
        ("/health", "post", {}, 405),
        ("/api/v1/events/ingest", "post", {}, 401),
        ("/api/v1/events", "options", {"Origin": "https://x.example"}, 401),
        ("/", "get", {"Host": "wrong.example"}, 400),
        ("/nothing", "get", {"Accept": "text/html"}, 404),
    ],
)
def test_refusals_have_them(path: str, method: str, headers: dict[str, str], status: int) -> None:
    answer = ask(path, method, **headers)

    assert answer.status_code == status
    assert HEADERS.keys() <= answer.headers.keys()


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_a_failure_of_ours_has_them(monkeypatch: pytest.MonkeyPatch, accept: str) -> None:
    monkeypatch.setattr(root, "LINKS", None)

    answer = ask("/", Accept=accept)

    assert answer.status_code == 500
    assert HEADERS.keys() <= answer.headers.keys()


def test_refused_form_has_them(admin_user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)

    answer = client.post("/account/password", {})

    assert answer.status_code == 403
    assert answer[HEADER] == STRICT


def test_policies_let_nobody_frame_us_and_name_no_other_host() -> None:
    for policy in (STRICT, ADMIN, NOTHING):
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "http" not in policy
        assert "*" not in policy
    assert "unsafe" not in STRICT + NOTHING
