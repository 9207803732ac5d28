"""Sessions: whose they are, how long they live, how they end, and that a dump opens none."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import Client
from django.utils import timezone

from anpr_project.lib.sessions import SessionStore
from anpr_project.lib.tests.factories import make_user
from anpr_project.models import Session
from anpr_project.tests.signing_in import browser_of
from events.stream.admission import UNAUTHENTICATED, Refused, admit

pytestmark = pytest.mark.django_db


def is_open(browser: Client) -> bool:
    return browser.get("/account").status_code == 200


def key_of(browser: Client) -> str:
    return str(browser.cookies["sessionid"].value)


def open_stream(browser: Client) -> None:
    """Ask what an open stream asks every 25 seconds."""
    cookie = f"sessionid={key_of(browser)}".encode()
    headers = [(b"cookie", cookie), (b"origin", b"http://here"), (b"host", b"here")]
    admit({"headers": headers})


@pytest.mark.main_path
def test_signing_in_keeps_who_and_where_from() -> None:
    user = make_user()
    browser = browser_of(user, **{"User-Agent": "Mozilla/5.0 Firefox/140.0"})

    row = Session.objects.get()

    assert (row.user, row.address) == (user, "127.0.0.1")
    assert row.user_agent == "Mozilla/5.0 Firefox/140.0"
    assert row.signed_in_at is not None
    assert timezone.now() - row.signed_in_at < timedelta(minutes=1)
    assert is_open(browser)
    row.refresh_from_db()
    assert row.user == user


def test_cookie_is_not_in_the_database() -> None:
    browser = browser_of(make_user())

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM anpr_project_session")
        stored = str(cursor.fetchall())

    assert key_of(browser) not in stored
    assert len(stored) > 100


def test_what_is_stored_opens_nothing() -> None:
    browser_of(make_user())
    thief = Client()
    thief.cookies["sessionid"] = Session.objects.get().pk

    assert not is_open(thief)


def test_session_ends_eight_hours_after_signing_in_however_much_it_is_used() -> None:
    browser, start = browser_of(make_user(role="Viewers")), timezone.now()

    for half_hours in range(1, 16):
        with time_machine.travel(start + timedelta(minutes=30 * half_hours), tick=False):
            assert is_open(browser)
    with time_machine.travel(start + timedelta(hours=8, minutes=1), tick=False):
        assert not is_open(browser)


def test_session_ends_after_an_hour_without_use() -> None:
    browser, start = browser_of(make_user()), timezone.now()

    with time_machine.travel(start + timedelta(minutes=59), tick=False):
        assert is_open(browser)
    with time_machine.travel(start + timedelta(minutes=118), tick=False):
        assert is_open(browser)
    with time_machine.travel(start + timedelta(minutes=179), tick=False):
        assert not is_open(browser)


def test_open_stream_is_use() -> None:
    browser, start = browser_of(make_user(role="Viewers")), timezone.now()

    with time_machine.travel(start + timedelta(minutes=50), tick=False):
        open_stream(browser)
    with time_machine.travel(start + timedelta(minutes=100), tick=False):
        assert is_open(browser)


def test_use_is_noted_once_a_minute_at_most() -> None:
    browser, start = browser_of(make_user()), timezone.now()
    with time_machine.travel(start + timedelta(seconds=50), tick=False):
        is_open(browser)
        assert Session.objects.get().last_used_at < start + timedelta(seconds=10)


def test_ended_session_ends_its_stream_too() -> None:
    browser = browser_of(make_user(role="Viewers"))
    open_stream(browser)

    Session.objects.all().delete()

    with pytest.raises(Refused) as refusal:
        open_stream(browser)
    assert refusal.value.code == UNAUTHENTICATED
    assert not is_open(browser)


def test_logging_out_deletes_the_session() -> None:
    browser = browser_of(make_user())

    browser.post("/logout")

    assert not Session.objects.exists()


def test_signing_in_gives_a_new_key_and_sweeps_what_has_expired() -> None:
    fixed = SessionStore()
    fixed.create()
    Session.objects.create(session_key="old", expire_date=timezone.now() - timedelta(days=1))
    browser = Client()
    browser.cookies["sessionid"] = str(fixed.session_key)
    user = make_user()

    browser.post("/login", {"username": user.username, "password": "correct horse"})

    assert key_of(browser) != fixed.session_key
    assert is_open(browser)
    assert Session.objects.count() == 1


def test_asynchronous_use_knows_the_same_sessions() -> None:
    store = SessionStore()
    store["colour"] = "red"
    store.save()

    again = SessionStore(store.session_key)

    assert async_to_sync(again.aget)("colour") == "red"
    assert async_to_sync(again.aexists)(str(store.session_key))
    async_to_sync(again.adelete)()
    assert not store.exists(str(store.session_key))
