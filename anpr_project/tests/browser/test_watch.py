"""Watched plates: seen whatever the list shows, heard, and told on the desktop."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from anpr_project.tests.edge import Edge
from anpr_project.tests.running import Running

# Neither loudspeaker nor desktop can be asked in a test; what would reach them is written down.
LISTEN = """
globalThis.told = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) { told.push("tone"); return start.apply(this, when); };
globalThis.greeted = new Set(); // the sockets that the server has said hello on
globalThis.WebSocket = class extends WebSocket {
  constructor(url) {
    super(url);
    this.addEventListener("message", () => greeted.add(this));
  }
};
globalThis.Notification = class {
  static permission = "default";
  static async requestPermission() { return (Notification.permission = "granted"); }
  constructor(title, options) { told.push([title, options.body]); }
};
"""


@pytest.fixture
def page(tab: Page, product: Running, edge: Edge) -> Page:
    tab.add_init_script(LISTEN)
    tab.goto(f"{product.url}/live?camera={edge.camera}")
    expect(tab.locator("#state")).to_have_attribute("data-state", "live")
    return tab


@pytest.fixture
def watch(page: Page) -> Callable[..., None]:
    """Watch for plates, with some of the dialog's boxes changed."""

    def watch(*plates: str, **boxes: bool) -> None:
        page.click("#watch")
        for plate in plates:
            page.fill("#watch-plate", plate)
            page.press("#watch-plate", "Enter")
        for name, is_wanted in boxes.items():
            page.locator(f"#watch-{name.replace('_', '-')}").set_checked(is_wanted)
        page.keyboard.press("Escape")
        # The next read must find the stream of the watch open.
        wait_until(page, "greeted.size > 1")

    return watch


def wait_until(page: Page, expression: str) -> None:
    """Playwright's own waiting evaluates a text in the page, which the content policy forbids."""
    for _ in range(300):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(expression)


def told(page: Page) -> Any:
    return page.evaluate("told")


def test_watched_plate_is_told_with_a_sound_also_outside_the_filter(
    page: Page, edge: Edge, token: str, watch: Callable[..., None]
) -> None:
    watch("ab 12-cde")
    other = Edge(edge.url, token)
    other.read("ZZ99 ZZZ")
    other.read("AB12 CDE")
    sighting = page.locator("#sightings .sighting")
    expect(sighting).to_have_count(1)
    expect(sighting).to_contain_text(other.camera_name)
    wait_until(page, "told.length")
    assert told(page) == ["tone", "tone"]
    sighting.locator(".sighting-open").click()
    expect(page.locator("#detail .plate-text")).to_have_text("AB12 CDE")
    sighting.locator(".sighting-close").click()
    expect(page.locator("#sightings")).to_be_hidden()


def test_wildcards_and_look_alikes_are_watched_for(
    page: Page, edge: Edge, watch: Callable[..., None]
) -> None:
    watch("B0Z*", sound=False)
    edge.read("8O2 XYZ")
    edge.read("B0Z 777")
    expect(page.locator("#sightings .plate-text")).to_have_text(["B0Z 777"])
    watch(look_alikes=True)
    edge.read("8O2 XYZ")
    edge.read("KKK 1", candidates=[{"plate": "B0Z111", "confidence": 0.3}])
    expect(page.locator("#sightings .plate-text")).to_have_text(["KKK 1", "8O2 XYZ", "B0Z 777"])
    expect(page.locator("#sightings .sighting-why").first).to_have_text("watched as B0Z*")
    expect(page.locator("#reads .watched:visible")).to_have_count(4)
    assert told(page) == []


def test_desktop_is_asked_for_permission_only_when_notices_are_wanted(
    page: Page, edge: Edge, watch: Callable[..., None]
) -> None:
    watch("AB12CDE", sound=False)
    assert page.evaluate("Notification.permission") == "default"
    watch(notice=True)
    edge.read("AB12 CDE")
    wait_until(page, "told.length")
    [[title, body]] = told(page)
    assert title == "Watched plate AB12 CDE"
    assert body.startswith(f"{edge.camera_name}, ")


def test_watch_list_is_kept_and_shared_by_tabs(
    page: Page, context: BrowserContext, product: Running, watch: Callable[..., None]
) -> None:
    watch("AB12CDE", "X?1*")
    other = context.new_page()
    other.goto(f"{product.url}/live")
    expect(other.locator("#watch-count")).to_have_text("2")
    other.click("#watch")
    other.locator("#watch-patterns button").first.click()
    expect(other.locator("#watch-patterns code")).to_have_text(["X?1*"])
    expect(page.locator("#watch-count")).to_have_text("1")
    assert json.loads(page.evaluate("localStorage.watch"))["patterns"] == ["X?1*"]


def test_what_is_kept_wrongly_is_as_good_as_nothing(page: Page) -> None:
    for kept in ("{", "null", '{"patterns": 3}'):
        page.evaluate("kept => localStorage.setItem('watch', kept)", kept)
        page.reload()
        expect(page.locator("#state")).to_have_attribute("data-state", "live")
        page.click("#watch")
        expect(page.locator("#watch-none")).to_be_visible()


def test_dialog_is_used_by_keyboard_alone(page: Page) -> None:
    page.focus("#watch")
    page.keyboard.press("Enter")
    expect(page.locator("#watch-plate")).to_be_focused()
    page.keyboard.type("ab12")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator("#watch")).to_be_focused()
    expect(page.locator("#watch-count")).to_have_text("1")
