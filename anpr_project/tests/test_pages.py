from __future__ import annotations

import re
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.db.backends.utils import CursorWrapper
from django.test import Client, RequestFactory

from anpr_project.lib.error_handler import server_error
from anpr_project.lib.tests.factories import make_user
from cameras.tests.factories import make_camera
from events.tests.rows import make_event
from zones.tests.factories import make_zone


def test_visitors_are_sent_to_the_login_and_back(client: Client, admin_user: User) -> None:
    response = client.get("/live")
    assert response.status_code == 302
    assert response["Location"] == "/login?next=/live"
    login = {"username": "admin", "password": "correct horse", "next": "/live"}
    assert client.post("/login", login)["Location"] == "/live"


def test_viewer_who_is_no_staff_signs_in_and_out(client: Client, db: None) -> None:
    make_user("viewer", role="Viewers")
    wrong = client.post("/login", {"username": "viewer", "password": "wrong"})
    assert b"wrong" in wrong.content
    assert "script-src 'self'" in wrong["Content-Security-Policy"]
    assert (
        client.post("/login", {"username": "viewer", "password": "correct horse"})["Location"]
        == "/live"
    )
    assert client.get("/login").status_code == 302
    assert client.post("/logout")["Location"] == "/login"
    assert client.get("/live").status_code == 302


PAGES = ["/live", "/search", "/statistics"]


@pytest.mark.parametrize("path", PAGES)
def test_who_may_not_see_events_may_not_see_the_page(client: Client, db: None, path: str) -> None:
    assert client.get(path)["Location"] == f"/login?next={path}"
    client.force_login(make_user("clerk"))
    assert client.get(path).status_code == 403
    client.force_login(make_user("viewer", role="Viewers"))
    response = client.get(path)
    assert response.status_code == 200
    assert f'href="{path}" aria-current="page"' in response.content.decode()


@pytest.mark.parametrize("path", PAGES)
def test_page_offers_cameras_and_zones_and_escapes_their_names(
    client: Client, admin_user: User, path: str
) -> None:
    make_camera(name="<b>North</b>")
    make_zone(name="Car park")
    make_zone(name="Private drive", zone_type="exclusion")
    client.force_login(admin_user)
    content = client.get(path).content.decode()
    assert "&lt;b&gt;North&lt;/b&gt;" in content
    assert "Car park" in content
    assert "Private drive" not in content  # its reads are not kept


def test_empty_page_says_what_to_do_next_to_who_can_do_it(client: Client, admin_user: User) -> None:
    client.force_login(admin_user)
    content = client.get("/live").content.decode()
    assert 'No camera yet: <a href="/admin/cameras/camera/add/">add one</a>' in content
    client.force_login(make_user("viewer", role="Viewers"))
    content = client.get("/live").content.decode()
    assert "No camera yet: an administrator has to add one." in content
    make_camera()
    assert "No read yet" in client.get("/live").content.decode()


@pytest.mark.parametrize("path", PAGES)
def test_page_allows_no_inline_code_and_no_other_host(
    client: Client, admin_user: User, path: str
) -> None:
    client.force_login(admin_user)
    response = client.get(path)
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]
    content = response.content.decode()
    for forbidden in ("<style", "style=", "onclick=", "http://", "https://"):
        assert forbidden not in content
    assert content.count("<script") == len(
        re.findall(r'<script( type="module")? src="/(static/|texts.js")', content)
    )


def test_page_of_a_read_needs_the_right_and_the_read(client: Client, admin_user: User) -> None:
    read = make_event()
    url = f"/events/{read.pk}"
    assert client.get(url)["Location"] == f"/login?next={url}"
    client.force_login(make_user("clerk"))
    assert client.get(url).status_code == 403
    client.force_login(make_user("viewer", role="Viewers"))
    response = client.get(url)
    assert f'data-read="{read.pk}"' in response.content.decode()
    assert response["Cache-Control"] == "no-store"
    for missing in (read.pk + 1, 10**30):
        assert client.get(f"/events/{missing}").status_code == 404


def test_scripts_get_their_texts_in_the_language_of_the_viewer(client: Client, db: None) -> None:
    response = client.get("/texts.js", headers={"Accept-Language": "de"})
    assert response["Content-Type"].startswith("text/javascript")
    assert response["Content-Language"] == "en-gb"  # German is not translated, so not offered
    assert "gettext" in response.content.decode()


@pytest.mark.parametrize(
    ("path", "status"), [("/no-such", 404), ("/events/1", 404), ("/live", 403)]
)
def test_refusal_says_in_a_page_what_to_do_next(
    client: Client, db: None, path: str, status: int
) -> None:
    client.force_login(make_user("clerk", role=None if status == 403 else "Viewers"))
    response = client.get(path, headers={"Accept": "text/html"})
    content = response.content.decode()
    assert response.status_code == status
    assert {403: "Ask an administrator", 404: "no longer kept"}[status] in content
    assert 'href="/live"' in content
    assert "unsafe" not in response["Content-Security-Policy"]


def test_form_that_is_too_old_is_told_from_a_missing_right(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post("/login", {"username": "x"}, headers={"Accept": "text/html"})
    assert response.status_code == 403
    assert "This form is too old" in response.content.decode()


def test_failure_is_told_without_the_database() -> None:
    response = server_error(RequestFactory().get("/live", headers={"Accept": "text/html"}))
    assert response.status_code == 500
    assert "tell who runs this server" in response.content.decode()


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_who_comes_while_the_database_is_away_is_told_to_come_back(
    db: None, client: Client, accept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_database(*_: object) -> None:
        raise OperationalError("the connection is gone")

    client.force_login(make_user(role="Viewers"))
    client.raise_request_exception = False
    with monkeypatch.context() as outage:
        outage.setattr(CursorWrapper, "execute", no_database)
        response = client.get("/search", headers={"Accept": accept})
    assert response.status_code == 503
    assert response["Retry-After"] == "2"
    assert response["Content-Type"].startswith(accept)
    if accept == "text/html":
        assert response["Refresh"] == "2"
        assert "tries again by itself" in response.content.decode()
    else:
        assert response.json()["code"] == "unavailable"


# What is shown as it is in every language.
SAME_EVERYWHERE = re.compile(
    r"ANPR Cloud|↓ (CSV|JSON)|kPa|°C|API|0ODQ 1IL.*|[\W\d_]+|admin|Gate|Yard"
)


@pytest.mark.parametrize("path", [*PAGES, "/account", "/no-such"])
def test_no_text_of_a_page_misses_its_translation(
    client: Client, admin_user: User, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def marked(text: str) -> str:
        return f"«{text}»"

    monkeypatch.setattr("django.utils.translation._trans.gettext", marked)
    monkeypatch.setattr("django.utils.translation._trans.pgettext", lambda _, text: marked(text))
    monkeypatch.setattr("django.utils.translation._trans.ngettext", lambda *texts: marked(texts[1]))
    make_camera(name="Gate")
    make_zone(name="Yard")
    client.force_login(admin_user)
    content = client.get(path, headers={"Accept": "text/html"}).content.decode()
    body = content[content.index("<body") :]
    # Values of reads and of commands, not texts.
    body = re.sub("<(code|datalist)[ >].*?</(code|datalist)>", "", body, flags=re.DOTALL)
    texts = [
        unescape(text).strip() for text in re.findall(r">([^<]+)<", re.sub("«[^»]*»", "", body))
    ]
    assert "«" in body
    assert [text for text in texts if text and not SAME_EVERYWHERE.fullmatch(text)] == []
