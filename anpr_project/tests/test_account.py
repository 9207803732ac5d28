"""/account: one's own password, second factor, sessions and tokens, and nobody else's."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from knox.models import AuthToken

from anpr_project.lib.tests.factories import PASSWORD, make_user
from anpr_project.models import Authenticator, RecoveryCode, Session
from anpr_project.pages.browsers import name_of_browser
from anpr_project.tests.signing_in import browser_of, code_of, enter, with_authenticator

pytestmark = pytest.mark.django_db
NEW = "battery staple 9"
PAGES = ("", "/password", "/second-factor", "/second-factor/remove", "/recovery-codes")


@pytest.fixture
def user() -> User:
    return make_user("mia")


def change(browser: Client, old: str = PASSWORD, new: str = NEW, again: str = NEW) -> bytes:
    form = {"password": old, "new_password1": new, "new_password2": again}
    return browser.post("/account/password", form).content


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_for_who_is_signed_in_and_kept_by_no_cache(user: User, page: str) -> None:
    assert Client().get(f"/account{page}")["Location"] == f"/login?next=/account{page}"
    assert "no-store" in browser_of(user).get(f"/account{page}")["Cache-Control"]


@pytest.mark.main_path
def test_new_password_ends_other_sessions_and_all_tokens(user: User) -> None:
    here, elsewhere = browser_of(user), browser_of(user)
    AuthToken.objects.create(user=user)

    change(here)

    assert b"password is changed" in here.get("/account").content
    assert elsewhere.get("/account").status_code == 302
    assert Session.objects.count() == 1
    assert not AuthToken.objects.exists()
    assert enter(Client(), user).status_code == 200
    assert enter(Client(), user, NEW).status_code == 302


@pytest.mark.parametrize(
    ("old", "new", "again", "complaint"),
    [
        ("wrong", NEW, NEW, "not your password"),
        ("", NEW, NEW, "required"),
        (PASSWORD, NEW, "battery staple 8", "match"),
        (PASSWORD, "short", "short", "too short"),
        (PASSWORD, "12345678901", "12345678901", "entirely numeric"),
        (PASSWORD, "a\x00b" * 5, "a\x00b" * 5, "Null characters"),
    ],
)
def test_password_that_will_not_do_says_why(
    user: User, old: str, new: str, again: str, complaint: str
) -> None:
    browser = browser_of(user)

    assert complaint in change(browser, old, new, again).decode()
    assert enter(Client(), user).status_code == 302


def test_password_cannot_be_guessed_from_a_session(user: User) -> None:
    browser = browser_of(user)

    pages = [change(browser, "wrong").decode() for _ in range(5)]

    assert "not your password" in pages[3]
    assert "Five tries failed" in pages[4]
    assert "Five tries failed" in change(browser).decode()


def test_set_up_shows_a_code_to_scan_and_confirms_it(user: User) -> None:
    browser = browser_of(user)
    page = browser.get("/account/second-factor").content.decode()
    secret = Authenticator.objects.get(user=user).secret

    assert "<svg" in page
    assert "style=" not in page
    assert secret in page
    assert secret in browser.get("/account/second-factor").content.decode()
    answer = browser.post("/account/second-factor", {"code": code_of(secret), "password": PASSWORD})

    codes = re.findall(r"<code>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</code>", answer.content.decode())
    assert len(set(codes)) == 10
    assert "no-store" in answer["Cache-Control"]
    assert Authenticator.objects.get(user=user).confirmed
    shown = browser.get("/account").content.decode()
    assert "10 recovery codes are left" in shown
    assert browser.get("/account/second-factor")["Location"] == "/account"
    for text in [secret, *codes]:
        assert text not in shown


@pytest.mark.parametrize(
    ("code", "password", "complaint"),
    [
        ("000000", PASSWORD, "not the code"),
        ("abc", PASSWORD, "not the code"),
        ("right", "wrong", "not your password"),
    ],
)
def test_set_up_needs_the_code_and_the_password(
    user: User, code: str, password: str, complaint: str
) -> None:
    browser = browser_of(user)
    browser.get("/account/second-factor")
    device = Authenticator.objects.get(user=user)
    form = {"code": code_of(device.secret) if code == "right" else code, "password": password}

    answer = browser.post("/account/second-factor", form)

    assert complaint in answer.content.decode()
    device.refresh_from_db()
    assert not device.confirmed
    assert not RecoveryCode.objects.exists()


def with_second_factor(user: User) -> Client:
    _, secret = with_authenticator(user)
    browser = Client()
    enter(browser, user)
    assert browser.post("/login/code", {"code": code_of(secret)}).status_code == 302
    return browser


def test_removal_asks_for_the_password(user: User) -> None:
    browser = with_second_factor(user)
    RecoveryCode.objects.renew(user)

    assert (
        b"not your password"
        in browser.post("/account/second-factor/remove", {"password": "wrong"}).content
    )
    assert Authenticator.objects.exists()
    browser.post("/account/second-factor/remove", {"password": PASSWORD})

    assert not Authenticator.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert enter(Client(), user)["Location"] == "/live"


def test_new_recovery_codes_void_the_old_ones(user: User) -> None:
    browser = with_second_factor(user)
    old = RecoveryCode.objects.renew(user)[0].replace("-", "")

    browser.post("/account/recovery-codes", {"password": "wrong"})
    assert RecoveryCode.objects.filter(user=user).count() == 10
    page = browser.post("/account/recovery-codes", {"password": PASSWORD}).content.decode()

    assert page.count("<code>") == 10
    assert not RecoveryCode.objects.spend(user, old)


def test_recovery_codes_need_a_second_factor(user: User) -> None:
    assert browser_of(user).get("/account/recovery-codes")["Location"] == "/account/second-factor"


def test_sessions_are_listed_and_ended_at_once(user: User) -> None:
    here = browser_of(user, **{"User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"})
    elsewhere = browser_of(user, **{"User-Agent": "Mozilla/5.0 (iPhone) Safari/605.1"})
    browser_of(make_user())
    page = here.get("/account").content.decode()

    assert page.count("last used") == 2
    assert "Firefox on Linux" in page
    assert "Safari on iPhone" in page
    assert page.count("this one") == 1
    path = re.search(r'action="(/account/sessions/[0-9a-f]{40}/end)"', page)
    assert path is not None
    here.post(path[1])
    assert elsewhere.get("/account").status_code == 302
    assert here.get("/account").content.count(b"last used") == 1


def test_all_other_sessions_end_together(user: User) -> None:
    here, others = browser_of(user), [browser_of(user) for _ in range(3)]
    stranger = browser_of(make_user())

    here.post("/account/sessions/end-others")

    assert [other.get("/account").status_code for other in others] == [302] * 3
    assert here.get("/account").status_code == 200
    assert stranger.get("/account").status_code == 200


def test_nobody_ends_another_s_session_or_token(user: User) -> None:
    here, stranger = browser_of(user), browser_of(make_user())
    theirs = Session.objects.exclude(user=user).get()
    row, _ = AuthToken.objects.create(user=theirs.user)

    here.post(f"/account/sessions/{theirs.pk}/end")
    here.post(f"/account/tokens/{row.digest}/revoke")

    assert stranger.get("/account").status_code == 200
    assert AuthToken.objects.exists()


def test_own_tokens_are_listed_and_revoked(user: User) -> None:
    browser = browser_of(user)
    row, token = AuthToken.objects.create(user=user)
    page = browser.get("/account").content.decode()

    assert token[:8] in page
    assert token not in page
    browser.post(f"/account/tokens/{row.digest}/revoke")
    assert not AuthToken.objects.exists()
    assert b"None. Programs get one" in browser.get("/account").content


@pytest.mark.parametrize(
    "path", ["sessions/end-others", f"sessions/{'a' * 40}/end", f"tokens/{'a' * 128}/revoke"]
)
def test_ending_is_no_matter_of_a_link(user: User, path: str) -> None:
    assert browser_of(user).get(f"/account/{path}").status_code == 405
    assert Client().post(f"/account/{path}")["Location"].startswith("/login")


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Safari/605.1", "Safari on macOS"),
        ("curl/8.5.0", "curl"),
        ("<script>", "<script>"),
        ("", ""),
    ],
)
def test_browsers_are_named_for_people(user_agent: str, name: str) -> None:
    assert name_of_browser(user_agent) == name
