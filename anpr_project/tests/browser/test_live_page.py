"""The live page in a real browser, on the real server, over the real stream."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from anpr_project.tests.browser.conftest import log_in
from anpr_project.tests.edge import Edge
from anpr_project.tests.running import Running
from events.tests.factories import picture


@pytest.fixture
def page(tab: Page, product: Running, edge: Edge) -> Page:
    """The live page of the test's own camera, connected."""
    tab.goto(f"{product.url}/live?camera={edge.camera}")
    expect(tab.locator("#state")).to_have_attribute("data-state", "live")
    return tab


def rows(page: Page) -> Any:
    return page.locator("#reads .read")


def plates(page: Page) -> Any:
    return page.locator("#reads .plate-text")


def test_a_read_appears_by_itself(page: Page, edge: Edge) -> None:
    edge.read("AB12 CDE", region="gb", vehicle={"make": "Ford", "model": "Fiesta"})
    expect(page.locator("#reads .plate-text")).to_have_text("AB12 CDE")
    row = rows(page).first
    expect(row).to_contain_text(edge.camera_name)
    expect(row).to_contain_text("Ford Fiesta")
    expect(row).to_contain_text("93 %")
    expect(row.locator("time")).to_have_attribute("title", re.compile(r"\d \d\d:\d\d:.* UTC$"))


def test_the_newest_read_is_on_top(page: Page, edge: Edge) -> None:
    for number in range(3):
        edge.read(f"P{number}")
    expect(rows(page)).to_have_count(3)
    expect(plates(page)).to_have_text(["P2", "P1", "P0"])


def test_the_latest_reads_are_there_at_once(page: Page, edge: Edge) -> None:
    for number in range(3):
        edge.read(f"P{number}")
    page.reload()
    expect(rows(page)).to_have_count(3)
    expect(plates(page)).to_have_text(["P2", "P1", "P0"])


def test_a_late_read_says_so(page: Page, edge: Edge) -> None:
    edge.read("LATE 1", captured_at=(datetime.now(UTC) - timedelta(hours=3)).isoformat())
    expect(rows(page).first).to_contain_text("3 h late")


def test_a_read_in_full_shows_the_plate_in_its_picture(page: Page, edge: Edge) -> None:
    edge.read(
        "AB12 CDE",
        picture((640, 360)),
        bbox=[100, 200, 80, 20],
        candidates=[{"plate": "A812CDE", "confidence": 0.41}],
        tpms=[{"model": "Ford", "id": "45bb320f", "pressure_kpa": 233.1, "battery_ok": False}],
    )
    rows(page).first.click()
    detail = page.locator("#detail")
    expect(detail).to_contain_text("Selected read")
    expect(detail.locator(".overlay")).to_have_attribute("viewBox", "0 0 640 360")
    box = detail.locator(".overlay rect")
    assert [box.get_attribute(side) for side in ("x", "y", "width", "height")] == [
        *("94", "194", "92", "32")
    ]
    for text in ("A812CDE", "41 %", "45bb320f", "233.1", "low"):
        expect(detail).to_contain_text(text)
    expect(rows(page).first).to_have_attribute("aria-current", "true")
    crop = rows(page).first.locator("img")
    expect(crop).to_be_visible()
    assert crop.evaluate("image => image.naturalWidth") == 640


def test_keys_lead_through_the_list_into_a_read_and_back(page: Page, edge: Edge) -> None:
    for number in range(3):
        edge.read(f"P{number}")
    expect(rows(page)).to_have_count(3)
    rows(page).first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#detail .plate-text")).to_have_text("P1")
    page.keyboard.press("Escape")
    expect(rows(page).nth(1)).to_be_focused()
    page.keyboard.press("End")
    expect(rows(page).nth(2)).to_be_focused()
    page.keyboard.press("Home")
    expect(rows(page).nth(0)).to_be_focused()
    assert page.locator('#reads .read[tabindex="0"]').count() == 1


def test_pause_holds_new_reads_back_until_resumed(page: Page, edge: Edge) -> None:
    page.click("#pause")
    edge.read("HELD 1")
    expect(page.locator("#pause")).to_have_text("Resume (1)")
    expect(rows(page)).to_have_count(0)
    page.click("#pause")
    expect(rows(page)).to_have_count(1)
    expect(page.locator("#pause")).to_have_text("Pause")


def test_reads_stay_where_they_are_while_one_aims_at_them(page: Page, edge: Edge) -> None:
    edge.read("AIM 1")
    expect(rows(page)).to_have_count(1)
    moving = """() => setInterval(() => document.querySelector("#reads .read")
        .dispatchEvent(new PointerEvent("pointermove", { bubbles: true })), 50)"""
    timer = page.evaluate(moving)
    edge.read("NEW 2")
    page.wait_for_timeout(1500)
    expect(plates(page)).to_have_text(["AIM 1"])
    page.evaluate("clearInterval", timer)
    expect(rows(page)).to_have_count(2)


def test_filters_choose_camera_and_plate(page: Page, edge: Edge, token: str) -> None:
    other = Edge(edge.url, token)
    edge.read("AAA 111")
    edge.read("BBB 222")
    other.read("AAA 999")
    page.reload()
    page.fill("#filter-plate", "aaa-1")
    expect(rows(page)).to_have_count(1)
    expect(plates(page)).to_have_text(["AAA 111"])
    edge.read("AAA 112")
    edge.read("BBB 333")
    expect(rows(page)).to_have_count(2)
    page.select_option("#filter-camera", str(other.camera))
    expect(page.locator("#empty-filtered")).to_contain_text("No read matches this filter.")
    expect(page.locator("#empty-all")).to_be_hidden()
    page.fill("#filter-plate", "*999")
    expect(rows(page)).to_have_count(1)
    page.wait_for_url(re.compile(rf"camera={other.camera}&zone=&plate=\*999$"))


def test_a_filter_that_finds_nothing_can_be_taken_back_at_once(page: Page, edge: Edge) -> None:
    edge.read("BACK 1")
    expect(rows(page)).to_have_count(1)
    page.fill("#filter-plate", "ZZZ")
    page.click("#clear-filter")
    expect(rows(page).filter(has_text="BACK 1")).to_have_count(1)
    expect(page.locator("#filter-plate")).to_be_focused()
    expect(page.locator("#filter-camera")).to_have_value("")


def test_reads_of_this_plate_sets_the_filter(page: Page, edge: Edge) -> None:
    edge.read("AAA 111")
    edge.read("BBB 222")
    expect(rows(page)).to_have_count(2)
    rows(page).last.click()
    page.click(".only-plate")
    expect(rows(page)).to_have_count(1)
    expect(page.locator("#filter-plate")).to_have_value("AAA111")


def test_an_empty_installation_says_how_to_get_reads(
    page: Page, product: Running, edge: Edge
) -> None:
    def nothing(route: Route) -> None:
        route.fulfill(json={"next": None, "previous": None, "results": []})

    page.route("**/api/v1/events?*", nothing)
    page.goto(f"{product.url}/live")
    expect(page.locator("#empty-all")).to_have_text(
        "No read yet: let a sensor send one, or run make demo"
    )


def test_the_page_keeps_two_hundred_rows_however_many_come(page: Page, edge: Edge) -> None:
    now = datetime.now(UTC).isoformat()
    batch = [{"plate": f"N{n}", "confidence": 0.9, "captured_at": now} for n in range(450)]
    edge.send_batch(batch)
    expect(rows(page).first).to_contain_text("N449")
    expect(rows(page)).to_have_count(200)


def test_who_logs_out_is_sent_to_the_login(browser: Browser, product: Running, edge: Edge) -> None:
    context = browser.new_context()
    page = context.new_page()
    log_in(page, product)
    page.click("text=Log out")
    page.goto(f"{product.url}/live")
    assert "/login" in page.url
    context.close()


def test_a_phone_shows_a_read_over_the_list_without_scrolling_sideways(
    page: Page, edge: Edge
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    edge.read("AB12 CDE", picture((640, 360)), vehicle={"make": "Mercedes-Benz"})
    expect(rows(page)).to_have_count(1)
    widths = "[document.documentElement.scrollWidth, innerWidth]"
    assert page.evaluate(widths) == [390, 390]
    rows(page).first.click()
    expect(page.locator("#detail-close")).to_be_focused()
    expect(page.locator("#main")).to_have_attribute("inert", "")
    assert page.evaluate(widths) == [390, 390]
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_be_hidden()
    expect(rows(page).first).to_be_focused()


def test_new_reads_are_announced_politely(page: Page, edge: Edge) -> None:
    edge.read("AB12 CDE")
    announcer = page.locator("#announcer")
    expect(announcer).to_have_attribute("aria-live", "polite")
    expect(announcer).to_contain_text("1 new read, the newest AB12 CDE at")
