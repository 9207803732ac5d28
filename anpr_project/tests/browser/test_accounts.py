"""Signing in, second factor, lock-out and sessions in a real browser."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from anpr_project.tests.browser.conftest import PASSWORD, faultless
from anpr_project.tests.browser.readability import findings
from anpr_project.tests.running import Running, environment, manage
from anpr_project.tests.signing_in import code_of

Tab = Callable[[], Page]


@pytest.fixture(scope="module")
def name(product: Running) -> str:
    """An account of these tests: what they do to it must not trouble the others."""
    made = f"mia-{uuid.uuid4().hex[:6]}"
    subprocess.run(
        manage("createsuperuser", "--noinput", "--username", made, "--email", ""),
        env=environment(product.out.parent / "var", DJANGO_SUPERUSER_PASSWORD=PASSWORD),
        check=True,
        capture_output=True,
    )
    return made


@pytest.fixture
def visit(browser: Browser, product: Running) -> Iterator[Tab]:
    """Open a browser that nobody has used; at 390 px, as on a phone."""
    contexts = []

    def open_one() -> Page:
        contexts.append(browser.new_context(viewport={"width": 390, "height": 844}))
        return contexts[-1].new_page()

    yield open_one
    for context in contexts:
        context.close()


def enter(page: Page, product: Running, name: str, password: str = PASSWORD) -> None:
    page.goto(f"{product.url}/login?next=/account")
    # It is there before the browser has put the focus into it.
    expect(page.locator("#id_username")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_wrong_password_is_said_and_the_right_one_opens(
    visit: Tab, product: Running, name: str
) -> None:
    page = visit()

    enter(page, product, name, "wrong")
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    enter(page, product, name)

    expect(page.get_by_role("heading", name=name)).to_be_visible()


def test_five_wrong_ones_lock_and_say_what_to_do(visit: Tab, product: Running) -> None:
    page = visit()

    for _ in range(5):
        enter(page, product, "nobody", "wrong")

    expect(page.get_by_role("alert")).to_contain_text("locked here for 15 minutes")
    expect(page.get_by_role("alert")).to_contain_text("administrator")


def test_another_session_is_ended(visit: Tab, product: Running, name: str) -> None:
    here, elsewhere = visit(), visit()
    enter(elsewhere, product, name)
    expect(elsewhere.get_by_role("heading", name=name)).to_be_visible()
    enter(here, product, name)

    here.get_by_role("button", name="End all others").click()

    expect(here.get_by_text("All other sessions are ended.")).to_be_visible()
    elsewhere.reload()
    expect(elsewhere.get_by_label("Password")).to_be_visible()


def test_password_is_changed(visit: Tab, product: Running, name: str) -> None:
    """There and back: the other tests know the old one."""
    page = visit()
    enter(page, product, name)
    for old, new in ((PASSWORD, "battery staple"), ("battery staple", PASSWORD)):
        page.get_by_role("link", name="Change password").click()
        page.get_by_label("Your password").fill(old)
        page.get_by_label("New password", exact=True).fill(new)
        page.get_by_label("New password, again").fill(new)
        page.get_by_role("button", name="Change").click()

        expect(page.get_by_role("status")).to_contain_text("password is changed")


def test_second_factor_from_set_up_to_removal(visit: Tab, product: Running, name: str) -> None:
    page = visit()
    enter(page, product, name)
    with faultless(page, product):
        page.get_by_role("link", name="Set up").click()
        secret = page.locator("#secret").inner_text()
        assert page.locator("svg.qr").bounding_box()
        page.get_by_role("textbox", name="Code").fill(code_of(secret))
        page.get_by_label("Your password").fill(PASSWORD)
        page.get_by_role("button", name="Switch on").click()
        expect(page.get_by_text("The second factor is on.")).to_be_visible()
        codes = page.locator("#codes code").all_inner_texts()
        assert len(codes) == 10
        assert findings(page) == []
        page.get_by_role("link", name="I have kept them").click()
        expect(page.get_by_text("10 recovery codes are left")).to_be_visible()

    second = visit()
    enter(second, product, name)
    assert findings(second) == []
    second.locator("#id_code").focus()
    # The code of the set-up was taken; the next one is good already, for clocks that run ahead.
    second.keyboard.type(code_of(secret, later=1))
    second.keyboard.press("Enter")
    expect(second.get_by_role("heading", name=name)).to_be_visible()

    third = visit()
    enter(third, product, name)
    expect(third.locator("#id_code")).to_be_focused()
    third.keyboard.type(codes[0])
    third.keyboard.press("Enter")
    expect(third.get_by_text("9 recovery codes are left")).to_be_visible()
    third.get_by_role("link", name="Remove").click()
    third.get_by_label("Your password").fill(PASSWORD)
    third.get_by_role("button", name="Remove").click()
    expect(third.get_by_role("link", name="Set up")).to_be_visible()
