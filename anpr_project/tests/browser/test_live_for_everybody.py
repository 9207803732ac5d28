"""The live page and a read's page for who reads with a screen reader, in the dark, or in another language."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from anpr_project.tests.browser.test_read_page import read_id
from anpr_project.tests.edge import Edge
from anpr_project.tests.running import Running
from events.tests.factories import picture

READ: dict[str, Any] = {
    "bbox": [100, 200, 80, 20],
    "candidates": [{"plate": "A812CDE", "confidence": 0.41}],
    "tpms": [{"model": "Ford", "id": "45bb320f", "pressure_kpa": 233.1, "battery_ok": False}],
    "vehicle": {"type": "car", "make": "Ford", "color": "blue", "speed_kmh": 48.5},
}


def faults(page: Page) -> list[tuple[str, str]]:
    found = Axe().run(page).response["violations"]
    return [(one["id"], one["nodes"][0]["html"]) for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_checker_of_accessibility_finds_no_fault(
    tab: Page, product: Running, edge: Edge, scheme: str
) -> None:
    tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]  # a literal
    edge.read("AAA 1", confidence=0.5)
    edge.read("AB12 CDE", picture((640, 360)), region="gb", **READ)
    tab.goto(f"{product.url}/live?camera={edge.camera}")
    tab.locator("#reads .read", has_text="AB12").click()
    expect(tab.locator("#detail .neighbours")).to_be_visible()
    assert faults(tab) == []
    tab.click("#watch")
    tab.fill("#watch-plate", "AB12")
    tab.press("#watch-plate", "Enter")
    assert faults(tab) == []
    tab.goto(f"{product.url}/events/{read_id(edge, 'AB12CDE')}")
    expect(tab.locator("#detail .neighbours")).to_be_visible()
    assert faults(tab) == []


# Every text that a script shows must go through the catalogue; what is marked has.
MARKED = """
globalThis.gettext = (text) => `«${text}»`;
globalThis.ngettext = (one, many, count) => `«${count === 1 ? one : many}»`;
"""


def test_no_text_of_the_scripts_misses_its_translation(
    tab: Page, product: Running, edge: Edge
) -> None:
    def marked(route: Route) -> None:
        route.fulfill(body=MARKED, content_type="text/javascript")

    tab.route("**/texts.js", marked)
    edge.read("AAA 1")
    edge.read("AB12 CDE", **READ)
    tab.goto(f"{product.url}/live?camera={edge.camera}")
    expect(tab.locator("#state-text")).to_have_text("«Live»")
    expect(tab.locator("#announcer")).to_have_text("")
    tab.locator("#reads .read", has_text="AB12").click()
    expect(tab.locator("#detail-mode")).to_have_text("«Selected read»")
    names = tab.locator("#detail .facts dt").all_inner_texts()
    assert "«Camera»" in names
    assert [name for name in names if not re.fullmatch("«.+»", name)] == []
    expect(tab.locator("#detail .tyres tbody td").last).to_have_text("«low»")
    tab.click("#pause")
    edge.read("AAA 2")
    expect(tab.locator("#pause")).to_have_text("«Resume (1)»")


def test_a_phone_has_the_pages_in_a_menu(tab: Page, product: Running) -> None:
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.goto(f"{product.url}/search")
    way_out = tab.get_by_role("button", name="Log out")
    expect(way_out).to_be_hidden()
    tab.click("#menu")
    expect(way_out).to_be_visible()
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
    tab.keyboard.press("Escape")
    expect(way_out).to_be_hidden()
    expect(tab.locator("#menu")).to_be_focused()
    tab.click("#menu")
    tab.get_by_role("link", name="Statistics").click()
    tab.wait_for_url("**/statistics*")
