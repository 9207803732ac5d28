"""What administrators do with other people's accounts; and the one door to the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.test import Client
from knox.models import AuthToken

from anpr_project.lib.tests.admin_pages import shown_form, staff
from anpr_project.lib.tests.factories import make_user
from anpr_project.models import Authenticator, Session
from anpr_project.tests.signing_in import browser_of, with_authenticator

pytestmark = pytest.mark.django_db
USERS = "/admin/auth/user/"


@pytest.fixture
def desk(client: Client) -> Client:
    staff(client, superuser=True)
    return client


def act(desk: Client, action: str, *pks: int) -> Any:
    return desk.post(USERS, {"action": action, "_selected_action": pks}, follow=True)


@pytest.mark.parametrize("page", ["", "login/", "cameras/camera/"])
def test_admin_has_no_sign_in_page_of_its_own(client: Client, page: str) -> None:
    answer = client.get(f"/admin/{page}", follow=True)

    assert answer.redirect_chain[-1][0].startswith("/login?next=%2Fadmin%2F")
    assert b"id_username" in answer.content


def test_who_is_no_staff_is_told_so_and_not_sent_in_circles(client: Client) -> None:
    client.force_login(make_user(role="Viewers"))

    assert client.get("/admin/", follow=True).status_code == 403


def test_admin_leads_to_the_one_page_for_passwords_and_out(desk: Client) -> None:
    assert desk.get("/admin/password_change/")["Location"] == "/account/password"
    assert desk.post("/admin/logout/")["Location"] == "/login"
    assert desk.get("/admin/").status_code == 302


def test_list_of_users_shows_second_factors(
    desk: Client, django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        with_authenticator()

    with django_assert_max_num_queries(15):
        page = desk.get(USERS).content.decode()

    assert "Second factor" in page
    assert page.count("user-") >= 3


def test_second_factor_is_reset_and_the_act_recorded(desk: Client) -> None:
    user, _ = with_authenticator()
    AuthToken.objects.create(user=user)

    answer = act(desk, "reset_second_factor", user.pk)

    assert b"password alone" in answer.content
    assert not Authenticator.objects.exists()
    assert not AuthToken.objects.exists()
    assert "second factor" in LogEntry.objects.get().get_change_message()


def test_sessions_of_another_are_ended(desk: Client) -> None:
    user = make_user()
    browser = browser_of(user)

    act(desk, "end_sessions", user.pk)

    assert browser.get("/account").status_code == 302
    assert not Session.objects.filter(user=user).exists()


def test_who_may_only_look_at_users_may_not_reset(client: Client) -> None:
    staff(client, "auth.view_user")
    user, _ = with_authenticator()

    act(client, "reset_second_factor", user.pk)

    assert Authenticator.objects.exists()


def test_new_password_by_an_administrator_ends_what_the_old_one_opened(desk: Client) -> None:
    user = make_user()
    browser = browser_of(user)
    AuthToken.objects.create(user=user)
    path = f"{USERS}{user.pk}/password/"
    words = {"password1": "battery staple 9", "password2": "battery staple 9"}

    refused = desk.post(path, words | {"password2": "other"})
    assert refused.status_code == 200
    assert AuthToken.objects.exists()
    answer = desk.post(path, shown_form(desk, path) | words)

    assert answer.status_code == 302
    assert browser.get("/account").status_code == 302
    assert not AuthToken.objects.exists()


def test_users_and_roles_are_made_in_the_admin(desk: Client) -> None:
    words = {"password1": "battery staple 9", "password2": "battery staple 9"}
    form = shown_form(desk, f"{USERS}add/") | {"username": "new", "usable_password": "true"} | words
    made = desk.post(f"{USERS}add/", form)
    assert made.status_code == 302, made.content[:2000]

    role = Group.objects.get(name="Viewers")
    assert desk.get(f"/admin/auth/group/{role.pk}/change/").status_code == 200
    assert browser_of_new().get("/account").status_code == 200


def browser_of_new() -> Client:
    browser = Client()
    browser.post("/login", {"username": "new", "password": "battery staple 9"})
    return browser
