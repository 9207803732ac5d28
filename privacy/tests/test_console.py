"""The console's page for data subjects."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from audit.models import AuditEntry
from events.models import LegalHold, PlateEvent
from privacy.tests.conftest import PLATE

PAGE = "/admin/data-subject/"
ASKED = {"plate": "ab12 cde", "reason": "Request of 3 November"}


@pytest.fixture
def console(client: Client, admin_user: User) -> Client:
    client.force_login(admin_user)
    return client


def page(console: Client, **more: str) -> str:
    answer: Any = console.post(PAGE, ASKED | more)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


@pytest.mark.usefixtures("seen")
def test_it_shows_first_what_there_is_and_erases_when_that_is_confirmed(console: Client) -> None:
    shown = page(console)
    assert "<b>3</b> events · <b>3</b> pictures" in shown
    assert "Erase 3 events for good" in shown
    assert f"{reverse('plate-copy')}?plate={PLATE}" in shown
    assert PlateEvent.objects.count() == 4
    done = page(console, do="erase")
    assert "<b>3</b> events · <b>3</b> pictures" in done
    assert ("Control room" in done, "Go on" in done) == (True, False)
    assert PlateEvent.objects.count() == 1
    assert [entry.action for entry in AuditEntry.objects.order_by("id")] == [
        *("erasure", "erasure", "erased")
    ]


@pytest.mark.usefixtures("seen")
def test_a_hold_takes_the_button_away_and_is_stronger_than_a_press(console: Client) -> None:
    LegalHold.objects.create(name="Case 7", reason="asked for", plate=PLATE)
    for more in ({}, {"do": "erase"}):
        shown = page(console, **more)
        assert ("Held by “Case 7”" in shown, "for good" in shown) == (True, False)
    assert PlateEvent.objects.count() == 4


@pytest.mark.usefixtures("seen")
def test_what_is_not_done_yet_goes_on_with_a_press(
    console: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("privacy.views.LONGEST_S", 0.0)
    assert "Go on" in page(console, do="erase")


@pytest.mark.parametrize(
    "wrong", [{"plate": "AB*"}, {"reason": "x"}, {"also": "?"}, {"also": "A1," * 20}]
)
def test_what_is_wrong_is_said_and_nothing_looked_up(
    console: Client, wrong: dict[str, str]
) -> None:
    shown = page(console, **wrong)
    assert 'id="kept"' not in shown
    assert "xpected" in shown or "At most" in shown
    assert not AuditEntry.objects.exists()
