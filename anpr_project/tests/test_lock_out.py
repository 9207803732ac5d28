"""Five failed tries lock a name at an address for a quarter of an hour, at every door."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from anpr_project.lib.tests.admin_pages import staff
from anpr_project.lib.tests.factories import PASSWORD, make_user
from anpr_project.tests.signing_in import code_of, enter, with_authenticator

pytestmark = pytest.mark.django_db
TOKEN = "/api/v1/auth/token"


@pytest.fixture
def user() -> User:
    return make_user("known", role="Viewers")


def log_in(client: Client, name: str = "known", password: str = PASSWORD, **extra: Any) -> Any:
    body = {"username": name, "password": password} | extra
    return client.post(TOKEN, body, content_type="application/json")


def fail(client: Client, name: str = "known", tries: int = 5) -> list[int]:
    return [log_in(client, name, "wrong").status_code for _ in range(tries)]


@pytest.mark.main_path
def test_fifth_failure_locks_both_doors_and_the_right_password_too(
    client: Client, user: User
) -> None:
    assert fail(client) == [401, 401, 401, 401, 429]

    token, page = log_in(client), enter(client, user)

    assert (token.status_code, token.json()["code"]) == (429, "locked_out")
    assert 890 <= int(token["Retry-After"]) <= 900
    assert page.status_code == 429
    assert 890 <= int(page["Retry-After"]) <= 900
    assert b"locked here for 15 minutes" in page.content
    assert b"ask an administrator" in page.content


def test_failures_at_the_page_lock_the_tokens_too(client: Client, user: User) -> None:
    assert [enter(client, user, "wrong").status_code for _ in range(5)] == [*[200] * 4, 429]

    assert log_in(client).status_code == 429


@pytest.mark.main_path
def test_lock_ends_after_a_quarter_of_an_hour_though_tries_go_on(
    client: Client, user: User
) -> None:
    start = timezone.now()
    fail(client)
    for minute in (5, 10, 14):
        with time_machine.travel(start + timedelta(minutes=minute), tick=False):
            assert fail(client, tries=1) == [429]

    with time_machine.travel(start + timedelta(minutes=16), tick=False):
        assert log_in(client).status_code == 201


def test_name_that_does_not_exist_is_locked_alike(client: Client) -> None:
    assert fail(client, "nobody") == [401, 401, 401, 401, 429]
    assert log_in(client, "nobody").json()["code"] == "locked_out"


def test_others_at_that_address_and_the_name_elsewhere_stay_open(
    client: Client, user: User
) -> None:
    make_user("other")
    fail(client)

    assert log_in(client, "other").status_code == 201
    assert log_in(Client(REMOTE_ADDR="10.0.0.9")).status_code == 201


def test_success_forgets_the_failures(client: Client, user: User) -> None:
    assert fail(client, tries=4) == [401] * 4
    assert log_in(client).status_code == 201
    assert fail(client, tries=4) == [401] * 4
    assert enter(client, user).status_code == 302
    assert fail(client, tries=4) == [401] * 4


def test_wrong_codes_count_as_failures(client: Client) -> None:
    _, secret = with_authenticator(make_user("known"))

    answers = [log_in(client, otp="000000").status_code for _ in range(5)]

    assert answers == [401, 401, 401, 401, 429]
    assert log_in(client, otp=code_of(secret)).status_code == 429


def test_wrong_codes_at_the_page_count_and_hold_the_right_one_up() -> None:
    user, secret = with_authenticator()
    client = Client()
    enter(client, user)

    answers = [client.post("/login/code", {"code": "000000"}).status_code for _ in range(5)]
    locked = client.post("/login/code", {"code": code_of(secret)})

    assert answers == [200, 200, 200, 200, 429]
    assert locked.status_code == 429
    assert b"locked here" in locked.content
    assert client.get("/account").status_code == 302


def test_forged_address_gives_no_new_tries(client: Client, user: User) -> None:
    answers = [
        client.post(
            TOKEN,
            {"username": "known", "password": "wrong"},
            content_type="application/json",
            headers={"X-Forwarded-For": f"10.1.1.{number}", "User-Agent": f"tool/{number}"},
        ).status_code
        for number in range(6)
    ]

    assert answers == [401, 401, 401, 401, 429, 429]


def test_proxy_of_ours_tells_people_apart(settings: Settings, user: User) -> None:
    settings.PROXY_NETWORKS = ["127.0.0.0/8"]
    one, two = (Client(headers={"X-Forwarded-For": ip}) for ip in ("203.0.113.7", "203.0.113.8"))

    assert fail(one)[-1] == 429
    assert log_in(two).status_code == 201


def test_attempts_keep_no_password_no_code_and_no_address_of_a_page(
    client: Client, user: User
) -> None:
    form = {"username": "known", "password": "Canary-1", "code": "Canary-2", "next": "/Canary-3"}
    client.post("/login?next=/Canary-4", form)
    client.post("/login?next=/Canary-4", form)

    kept = str(AccessAttempt.objects.values())

    assert "'failures_since_start': 2" in kept
    assert "Canary" not in kept


def test_administrator_sees_failed_sign_ins_and_unlocks(client: Client, user: User) -> None:
    fail(client, tries=5)
    desk = Client()
    staff(desk, "axes.view_accessattempt", "axes.delete_accessattempt")
    row = AccessAttempt.objects.get()

    page = desk.get("/admin/axes/accessattempt/")
    assert b"known" in page.content
    assert desk.get("/admin/axes/accessattempt/add/").status_code == 403
    desk.post(f"/admin/axes/accessattempt/{row.pk}/delete/", {"post": "yes"})

    assert log_in(client).status_code == 201


def test_sensors_do_not_pay_for_it(
    client: Client, django_assert_num_queries: Any, user: User
) -> None:
    """A key is looked at without a query for failed tries: see the ingest tests for the whole."""
    with django_assert_num_queries(0):
        answer = client.post("/api/v1/events/ingest", headers={"Authorization": "Api-Key nonsense"})
    assert answer.status_code == 401
