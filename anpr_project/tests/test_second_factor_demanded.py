"""REQUIRE_SECOND_FACTOR_FOR_STAFF: staff without one get to its set-up and nowhere else."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from knox.models import AuthToken
from pytest_django import Settings

from anpr_project.lib.authentication import user_of_token
from anpr_project.lib.tests.factories import PASSWORD, make_user
from anpr_project.models import Authenticator
from anpr_project.tests.signing_in import browser_of, code_of, with_authenticator
from events.stream.admission import FORBIDDEN, Refused, admit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def demanded(settings: Settings) -> None:
    settings.REQUIRE_SECOND_FACTOR_FOR_STAFF = True


@pytest.fixture
def staff() -> User:
    return make_user(is_staff=True, is_superuser=True)


def test_staff_are_led_to_the_set_up_first(staff: User) -> None:
    browser = browser_of(staff)

    for path in ("/live", "/admin/", "/docs"):
        assert browser.get(path)["Location"] == "/account/second-factor"
    refused = browser.get("/api/v1/events")
    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_required")
    page = browser.get("/account/second-factor")
    assert b"asks all staff" in page.content
    secret = Authenticator.objects.get(user=staff).secret
    form = {"code": code_of(secret), "password": PASSWORD}
    assert browser.post("/account/second-factor", form).status_code == 200
    assert browser.get("/admin/").status_code == 200


def test_staff_get_no_token_and_old_ones_are_void(staff: User, client: Client) -> None:
    _, token = AuthToken.objects.create(user=staff)
    body = {"username": staff.username, "password": PASSWORD}

    refused = client.post("/api/v1/auth/token", body, content_type="application/json")

    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_required")
    assert user_of_token(f"Token {token}".encode()) is None


def test_staff_open_no_stream(staff: User) -> None:
    browser = browser_of(staff)
    cookie = f"sessionid={browser.cookies['sessionid'].value}".encode()
    headers = [(b"cookie", cookie), (b"origin", b"http://here"), (b"host", b"here")]

    with pytest.raises(Refused) as refusal:
        admit({"headers": headers})

    assert (refusal.value.code, refusal.value.reason) == (FORBIDDEN, "second factor required")


def test_others_are_not_asked(client: Client) -> None:
    viewer = make_user(role="Viewers")
    body = {"username": viewer.username, "password": PASSWORD}

    assert browser_of(viewer).get("/live").status_code == 200
    answer = client.post("/api/v1/auth/token", body, content_type="application/json")
    assert answer.status_code == 201


def test_staff_who_have_one_are_not_held_up(staff: User, client: Client) -> None:
    _, secret = with_authenticator(staff)
    body = {"username": staff.username, "password": PASSWORD, "otp": code_of(secret)}

    answer = client.post("/api/v1/auth/token", body, content_type="application/json")

    assert user_of_token(f"Token {answer.json()['token']}".encode()) == staff
