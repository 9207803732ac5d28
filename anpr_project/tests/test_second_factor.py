"""The second factor at every door: sign-in page, admin, API, tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken
from pytest_django import Settings

from anpr_project.lib.tests.factories import PASSWORD, make_user
from anpr_project.models import Authenticator, RecoveryCode
from anpr_project.tests.signing_in import browser_of, code_of, enter, with_authenticator

pytestmark = pytest.mark.django_db
TOKEN = "/api/v1/auth/token"


def token_with(client: Client, username: str, **fields: str) -> Any:
    body = {"username": username, "password": PASSWORD} | fields
    return client.post(TOKEN, body, content_type="application/json")


@pytest.mark.main_path
def test_password_alone_opens_no_door(client: Client) -> None:
    user, secret = with_authenticator(is_superuser=True, is_staff=True)

    answer = enter(client, user)

    assert answer["Location"] == "/login/code?next="
    for path in ("/live", "/account", "/admin/"):
        assert client.get(path)["Location"].startswith(("/login", "/admin/login")), path
    assert client.get("/api/v1/events").status_code == 401
    assert client.post("/login/code", {"code": code_of(secret)})["Location"] == "/live"
    assert client.get("/admin/").status_code == 200
    assert client.get("/api/v1/events").status_code == 200


def test_sign_in_goes_on_to_where_one_wanted(client: Client) -> None:
    user, secret = with_authenticator()
    form = {"username": user.username, "password": PASSWORD, "next": "/account"}

    step = client.post("/login", form)["Location"]
    page = client.get(step)

    assert b'name="next" value="/account"' in page.content
    answer = client.post("/login/code", {"code": code_of(secret), "next": "/account"})
    assert answer["Location"] == "/account"


def test_sign_in_leads_to_no_other_site(client: Client) -> None:
    user, secret = with_authenticator()
    enter(client, user)

    answer = client.post("/login/code", {"code": code_of(secret), "next": "https://evil.example"})

    assert answer["Location"] == "/live"


def test_code_opens_once(client: Client) -> None:
    user, secret = with_authenticator()
    code = code_of(secret)
    enter(client, user)
    assert client.post("/login/code", {"code": code}).status_code == 302

    second = Client()
    enter(second, user)
    answer = second.post("/login/code", {"code": code})

    assert answer.status_code == 200
    assert b"used already" in answer.content


def test_wrong_code_makes_the_next_one_wait(client: Client) -> None:
    user, secret = with_authenticator()
    enter(client, user)

    client.post("/login/code", {"code": "000000"})
    too_soon = client.post("/login/code", {"code": code_of(secret)})

    assert too_soon.status_code == 200
    with time_machine.travel(timezone.now() + timedelta(seconds=2), tick=False):
        assert client.post("/login/code", {"code": code_of(secret)}).status_code == 302


def test_pause_between_codes_stays_bounded() -> None:
    user, secret = with_authenticator()
    device = Authenticator.objects.get(user=user)
    for _ in range(60):
        device.throttle_increment()

    with time_machine.travel(timezone.now() + timedelta(minutes=9), tick=False):
        assert device.verify_token(code_of(secret))


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "a\x00b", "x" * 33, "-1e999"]
)
def test_code_of_no_shape_is_refused(client: Client, code: str) -> None:
    user, _ = with_authenticator()
    enter(client, user)

    assert client.post("/login/code", {"code": code}).status_code == 200
    assert client.get("/account").status_code == 302


def test_second_step_needs_the_first_and_not_long_ago(client: Client) -> None:
    user, secret = with_authenticator()
    assert client.get("/login/code?next=/account")["Location"] == "/login?next=%2Faccount"
    enter(client, user)

    with time_machine.travel(timezone.now() + timedelta(minutes=6), tick=False):
        answer = client.post("/login/code", {"code": code_of(secret)})

    assert answer["Location"].startswith("/login?")


def test_user_disabled_between_the_steps_stays_out(client: Client) -> None:
    user, secret = with_authenticator()
    enter(client, user)
    user.is_active = False
    user.save()

    answer = client.post("/login/code", {"code": code_of(secret)})

    assert answer["Location"].startswith("/login?")


@pytest.mark.main_path
def test_recovery_code_opens_once_however_it_is_typed(client: Client) -> None:
    user, _ = with_authenticator()
    code = RecoveryCode.objects.renew(user)[3]
    enter(client, user)

    answer = client.post("/login/code", {"code": f" {code.upper().replace('-', ' ')} "})

    assert answer["Location"] == "/live"
    assert RecoveryCode.objects.filter(user=user).count() == 9
    second = Client()
    enter(second, user)
    assert second.post("/login/code", {"code": code}).status_code == 200


def test_recovery_code_of_another_user_opens_nothing(client: Client) -> None:
    user, _ = with_authenticator()
    code = RecoveryCode.objects.renew(make_user())[0]
    enter(client, user)

    assert client.post("/login/code", {"code": code}).status_code == 200


def test_secret_and_recovery_codes_are_not_in_the_database() -> None:
    user, secret = with_authenticator()
    codes = RecoveryCode.objects.renew(user)

    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM anpr_project_authenticator")
        stored = str(cursor.fetchall())
        cursor.execute("SELECT digest FROM anpr_project_recoverycode")
        stored += str(cursor.fetchall())

    for text in [secret, *codes, *(code.replace("-", "") for code in codes)]:
        assert text not in stored


def test_lost_encryption_key_opens_no_door(settings: Settings) -> None:
    """The secret then reads as empty, and the codes of an empty secret are known to all."""
    user, _ = with_authenticator()
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    device = Authenticator.objects.get(user=user)

    assert device.secret == ""
    assert not device.verify_token(code_of(""))


@pytest.mark.main_path
def test_token_needs_the_code(client: Client) -> None:
    user, secret = with_authenticator()

    without = token_with(client, user.username)
    empty = token_with(client, user.username, otp="")
    wrong = token_with(client, user.username, otp="000000")
    with time_machine.travel(timezone.now() + timedelta(seconds=2), tick=False):
        right = token_with(client, user.username, otp=code_of(secret))

    assert [(a.status_code, a.json().get("code")) for a in (without, empty, wrong, right)] == [
        (401, "otp_required"),
        (401, "otp_required"),
        (401, "otp_invalid"),
        (201, None),
    ]
    assert without["WWW-Authenticate"] == "Token"


def test_wrong_password_says_nothing_of_the_second_factor(client: Client) -> None:
    user, secret = with_authenticator()
    body = {"username": user.username, "password": "wrong", "otp": code_of(secret)}

    answer = client.post(TOKEN, body, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (401, "authentication_failed")


def test_code_is_not_needed_by_who_has_no_second_factor(client: Client) -> None:
    user = make_user()

    assert token_with(client, user.username, otp="123456").status_code == 201


def test_unconfirmed_authenticator_changes_nothing(client: Client) -> None:
    user = make_user()
    Authenticator.prepare_for(user)

    assert enter(client, user)["Location"] == "/live"


def test_operator_resets_a_second_factor_on_the_server(client: Client) -> None:
    user, _ = with_authenticator()
    RecoveryCode.objects.renew(user)
    AuthToken.objects.create(user=user)

    call_command("reset_second_factor", user.username)

    assert not AuthToken.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert enter(client, user)["Location"] == "/live"
    with pytest.raises(CommandError, match="no user 'nobody'"):
        call_command("reset_second_factor", "nobody")


def test_who_sets_it_up_loses_sessions_and_tokens_from_before() -> None:
    user = make_user()
    here, elsewhere = browser_of(user), browser_of(user)
    AuthToken.objects.create(user=user)
    here.get("/account/second-factor")
    secret = Authenticator.objects.get(user=user).secret

    form = {"code": code_of(secret), "password": PASSWORD}
    answer = here.post("/account/second-factor", form)

    assert b"The second factor is on" in answer.content
    assert here.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 302
    assert not AuthToken.objects.exists()
