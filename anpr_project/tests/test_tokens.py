"""POST and DELETE /api/v1/auth/token, and what a token opens."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.test import APIClient

from anpr_project.lib.authentication import user_of_token
from anpr_project.lib.tests.factories import make_user

pytestmark = pytest.mark.django_db
URL = "/api/v1/auth/token"
PROTECTED = "/api/v1/config/cameras"
NOBODY = [
    b"",
    b"Token",
    b"Token ",
    b"Token " + b"a" * 64,
    b"Token " + b"A" * 64,
    b"Token \xff\xfe\xff",
    b"Token " + b"\x00" * 64,
    b"Token " + b"a" * 100_000,
    b"Token " + "ä".encode() * 32,
    b"Token two parts",
    b"\xff\xff",
    b"Basic YTpi",
]


def log_in(client: APIClient, user: User) -> str:
    response = client.post(URL, {"username": user.username, "password": "correct horse"})
    assert response.status_code == 201, response.content
    return str(response.json()["token"])


def get(token: str) -> Any:
    return APIClient().get(PROTECTED, HTTP_AUTHORIZATION=f"Token {token}")


@pytest.mark.main_path
def test_name_and_password_become_a_token_that_opens_the_api(anonymous: APIClient) -> None:
    user = make_user(role="Administrators")

    response = anonymous.post(URL, {"username": user.username, "password": "correct horse"})

    assert response.status_code == 201
    assert set(response.json()) == {"token", "expiry"}
    assert response["Cache-Control"] == "no-store"
    lasts = datetime.fromisoformat(response.json()["expiry"]) - timezone.now()
    assert timedelta(hours=23) < lasts <= timedelta(hours=24)
    assert get(response.json()["token"]).status_code == 200
    user.refresh_from_db()
    assert user.last_login is not None


def test_only_a_digest_of_the_token_is_stored(anonymous: APIClient) -> None:
    token = log_in(anonymous, make_user())

    row = AuthToken.objects.get()

    assert token not in (row.digest, row.token_key)
    assert len(token) == 64


@pytest.mark.parametrize(
    ("username", "password"),
    [("known", "wrong"), ("unknown", "correct horse"), ("gone", "correct horse")],
)
def test_every_failed_login_gets_the_same_answer(
    anonymous: APIClient, username: str, password: str
) -> None:
    make_user("known")
    make_user("gone", is_active=False)

    response = anonymous.post(URL, {"username": username, "password": password})

    assert response.status_code == 401
    assert response.json() == {
        "code": "authentication_failed",
        "message": "The name or the password is wrong.",
        "errors": [],
    }
    assert response["WWW-Authenticate"] == "Token"
    assert not AuthToken.objects.exists()


@pytest.mark.parametrize("username", ["known", "unknown", "gone"])
def test_every_failed_login_hashes_once_so_that_time_tells_nothing(
    anonymous: APIClient, username: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.contrib.auth import hashers

    make_user("known")
    make_user("gone", is_active=False)
    hasher, calls = hashers.get_hasher(), []
    encode = type(hasher).encode

    def counted(*args: Any, **kwargs: Any) -> str:
        calls.append(1)
        return encode(*args, **kwargs)

    monkeypatch.setattr(type(hasher), "encode", counted)

    assert anonymous.post(URL, {"username": username, "password": "no"}).status_code == 401
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"password": "x"}, "username", "required"),
        ({"username": "x"}, "password", "required"),
        ({"username": "", "password": "x"}, "username", "blank"),
        ({"username": None, "password": "x"}, "username", "null"),
        ({"username": 5, "password": "x"}, "username", "invalid"),
        ({"username": ["x"], "password": "x"}, "username", "invalid"),
        ({"username": "x", "password": {"a": 1}}, "password", "invalid"),
        ({"username": "a\x00b", "password": "x"}, "username", "null_characters_not_allowed"),
        ({"username": "x", "password": "a\x00b"}, "password", "null_characters_not_allowed"),
        ({"username": "x" * 151, "password": "x"}, "username", "max_length"),
        ({"username": "x", "password": "x" * 1025}, "password", "max_length"),
    ],
)
def test_a_login_that_is_malformed_names_the_field(
    anonymous: APIClient, body: dict[str, Any], field: str, code: str
) -> None:
    response = anonymous.post(URL, body)

    assert response.status_code == 400
    assert [(e["field"], e["code"]) for e in response.json()["errors"]] == [(field, code)]


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"{", b"\xff", b"", b"1"])
def test_a_body_that_is_no_object_is_refused(anonymous: APIClient, body: bytes) -> None:
    response = anonymous.post(URL, body, content_type="application/json")

    assert response.status_code == 400
    assert set(response.json()) == {"code", "message", "errors"}


def test_a_login_ignores_an_old_credential_beside_it(anonymous: APIClient) -> None:
    user = make_user()

    response = anonymous.post(
        URL,
        {"username": user.username, "password": "correct horse"},
        HTTP_AUTHORIZATION="Token " + "0" * 64,
    )

    assert response.status_code == 201


def test_a_login_drops_the_user_s_expired_tokens_only(anonymous: APIClient) -> None:
    user, other = make_user(), make_user()
    AuthToken.objects.create(user=user, expiry=timedelta(seconds=-1))
    AuthToken.objects.create(user=other, expiry=timedelta(seconds=-1))
    AuthToken.objects.create(user=user)

    log_in(anonymous, user)

    assert AuthToken.objects.filter(user=user).count() == 2
    assert AuthToken.objects.filter(user=other).count() == 1


@pytest.mark.main_path
def test_a_revoked_token_opens_nothing_while_others_live_on(anonymous: APIClient) -> None:
    user = make_user(role="Administrators")
    token, other = log_in(anonymous, user), log_in(anonymous, user)

    response = anonymous.delete(URL, HTTP_AUTHORIZATION=f"Token {token}")

    assert response.status_code == 204
    assert get(token).status_code == 401
    assert get(other).status_code == 200
    assert anonymous.delete(URL, HTTP_AUTHORIZATION=f"Token {token}").status_code == 401
    assert AuthToken.objects.count() == 1


def test_a_session_is_no_token_to_revoke() -> None:
    client = Client()
    client.force_login(make_user())

    response = client.delete(URL)

    assert response.status_code == 403
    assert "a session is none" in response.json()["message"]


def test_revoking_without_credential_is_refused(anonymous: APIClient) -> None:
    response = anonymous.delete(URL)

    assert response.status_code == 401
    assert response.json()["code"] == "not_authenticated"


def test_an_expired_token_opens_nothing(anonymous: APIClient) -> None:
    user = make_user(role="Administrators")
    with time_machine.travel(timezone.now() - timedelta(hours=25), tick=False):
        token = log_in(anonymous, user)

    response = get(token)

    assert response.status_code == 401
    assert response.json()["code"] == "authentication_failed"
    assert user_of_token(f"Token {token}".encode()) is None


def test_the_token_of_a_locked_out_user_opens_nothing(anonymous: APIClient) -> None:
    user = make_user(role="Administrators")
    token = log_in(anonymous, user)
    User.objects.filter(pk=user.pk).update(is_active=False)

    assert get(token).status_code == 401
    assert user_of_token(f"Token {token}".encode()) is None


@pytest.mark.parametrize("header", NOBODY)
def test_a_hostile_authorization_header_is_a_401(anonymous: APIClient, header: bytes) -> None:
    response = anonymous.get(PROTECTED, HTTP_AUTHORIZATION=header.decode("latin-1"))

    assert response.status_code == 401
    assert set(response.json()) == {"code", "message", "errors"}
    assert response["WWW-Authenticate"] == "Token"
    assert user_of_token(header) is None


@pytest.mark.parametrize("scheme", ["Token", "token", "TOKEN", " Token "])
def test_the_socket_s_door_knows_the_same_tokens(anonymous: APIClient, scheme: str) -> None:
    user = make_user()
    token = log_in(anonymous, user)

    assert user_of_token(f"{scheme} {token}".encode()) == user


def test_a_token_costs_one_query(anonymous: APIClient, django_assert_num_queries: Any) -> None:
    user = make_user()
    AuthToken.objects.create(user=user)
    token = log_in(anonymous, user)

    with django_assert_num_queries(1):
        assert user_of_token(f"Token {token}".encode()) == user


@pytest.mark.parametrize("cookie", ['"\\000aaaaaaaaaa"', "a" * 5000, "short", "ä" * 32, "../../x"])
@pytest.mark.parametrize("path", [PROTECTED, "/admin/"])
def test_a_hostile_session_cookie_is_nobody(path: str, cookie: str) -> None:
    client = Client()

    response = client.get(path, headers={"Cookie": f"sessionid={cookie}"})

    assert response.status_code == (302 if path == "/admin/" else 401)


def test_a_session_opens_the_api_for_reading() -> None:
    client = Client()
    client.force_login(make_user(role="Administrators"))

    assert client.get(PROTECTED).status_code == 200


def test_a_session_writes_only_with_the_csrf_token() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user(role="Administrators"))

    response = client.post(PROTECTED, {"name": "x"}, content_type="application/json")

    assert response.status_code == 403
    assert "CSRF" in response.json()["message"]
