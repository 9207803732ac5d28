"""The search page in a real browser, on the real server."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, Route, expect

from anpr_project.tests.edge import Edge
from anpr_project.tests.running import Running
from events.tests.factories import picture

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def page(tab: Page, product: Running) -> Page:
    tab.goto(f"{product.url}/search")
    return tab


def ago(**span: float) -> str:
    return (NOW - timedelta(**span)).isoformat()


def search(page: Page, edge: Edge, plate: str, *, similar: bool = False) -> None:
    """Look for a plate among the reads of the test's own camera."""
    page.goto(re.sub(r"/search.*", f"/search?camera={edge.camera}", page.url))
    page.fill("#plate", plate)
    page.locator("#similar").set_checked(similar)
    page.press("#plate", "Enter")
    expect(page.locator("#hits")).not_to_have_attribute("aria-busy", "true")


def plates(page: Page) -> Any:
    return page.locator("#hits .plate-text")


def fill_pages(edge: Edge, count: int) -> None:
    edge.send_batch(
        [
            {"plate": f"N{n:03}", "confidence": 0.9, "captured_at": ago(minutes=n)}
            for n in range(count)
        ]
    )


def test_a_plate_is_found_however_it_is_written(page: Page, edge: Edge) -> None:
    edge.read("AB12 CDE", picture((104, 32)), vehicle={"make": "Ford", "color": "blue"})
    edge.read("AB12 CDF")
    search(page, edge, "ab-12cde")
    expect(plates(page)).to_have_text(["AB12 CDE"])
    hit = page.locator(".hit")
    for text in (edge.camera_name, "Ford", "93 %"):
        expect(hit).to_contain_text(text)
    expect(hit.locator("img")).to_be_visible()
    expect(page.locator("#summary")).to_contain_text("1 read ·")


def test_wildcards_stand_for_characters(page: Page, edge: Edge) -> None:
    for plate in ("AB12", "AB13", "XB12"):
        edge.read(plate)
    search(page, edge, "AB*")
    expect(plates(page)).to_have_text(["AB13", "AB12"])
    search(page, edge, "?B12")
    expect(plates(page)).to_have_text(["XB12", "AB12"])


def test_look_alikes_say_why_they_match(page: Page, edge: Edge) -> None:
    edge.read("A812 XYZ")
    edge.read("AB12 XYZ")
    edge.read("QQ99 QQQ")
    search(page, edge, "AB12XYZ", similar=True)
    expect(plates(page)).to_have_text(["AB12 XYZ", "A812 XYZ"])
    matches = page.locator("#hits .match")
    expect(matches).to_have_text(
        [re.compile("100 % exact"), re.compile("99 % look-alike: 8 for B")]
    )
    assert "similar=AB12XYZ" in page.url


def test_older_and_newer_lead_through_all_and_back(page: Page, edge: Edge) -> None:
    fill_pages(edge, 120)
    page.goto(f"{page.url}?camera={edge.camera}")
    expect(plates(page)).to_have_count(50)
    expect(plates(page).first).to_have_text("N000")
    expect(page.locator("#newer")).to_be_hidden()
    page.click("#older")
    expect(plates(page).first).to_have_text("N050")
    page.click("#older")
    expect(plates(page)).to_have_count(20)
    expect(page.locator("#older")).to_be_hidden()
    page.click("#newer")
    expect(plates(page).first).to_have_text("N050")
    page.go_back()
    expect(plates(page).first).to_have_text("N100")
    page.click("#newest")
    expect(plates(page).first).to_have_text("N000")


def test_the_address_is_the_search_and_can_be_shared(
    page: Page, edge: Edge, context: BrowserContext
) -> None:
    fill_pages(edge, 60)
    page.goto(f"{page.url}?camera={edge.camera}")
    page.click(".more summary")
    page.fill("[name=min_confidence]", "85")
    page.fill("[name=region]", "gb")
    page.press("[name=region]", "Enter")
    expect(page.locator("#empty")).to_be_visible()
    page.fill("[name=region]", "")
    page.press("[name=region]", "Enter")
    expect(page.locator("#empty")).to_be_hidden()
    page.click("#older")
    expect(plates(page).first).to_have_text("N050")
    page.locator(".hit").nth(1).click()
    expect(page.locator("#detail .plate-text")).to_have_text("N051")
    other = context.new_page()
    other.goto(page.url)
    expect(plates(other).first).to_have_text("N050")
    expect(other.locator("[name=min_confidence]")).to_have_value("85")
    expect(other.locator("#camera")).to_have_value(str(edge.camera))
    expect(other.locator("#detail .plate-text")).to_have_text("N051")
    page.go_back()
    page.go_back()
    expect(page.locator("[name=region]")).to_have_value("gb")


def test_quick_choices_set_the_range_in_local_time(page: Page, edge: Edge) -> None:
    edge.read("OLD", captured_at=ago(hours=30))
    edge.read("NEW", captured_at=ago(minutes=5))
    page.goto(f"{page.url}?camera={edge.camera}")
    expect(plates(page)).to_have_text(["NEW", "OLD"])
    page.click("text=24 hours")
    expect(plates(page)).to_have_text(["NEW"])
    local = page.evaluate("new Date(new URLSearchParams(location.search).get('captured_after'))")
    shown = page.input_value("#captured-after")
    assert page.evaluate("text => new Date(text)", shown) == local
    page.click("text=Any time")
    expect(plates(page)).to_have_text(["NEW", "OLD"])


def test_every_filter_narrows_and_unknown_ones_can_be_taken_away(page: Page, edge: Edge) -> None:
    vehicle = {"type": "van", "make": "Ford", "color": "red"}
    tyre = {"id": "45bb320f"}
    edge.read("ONE", picture(), region="gb", vehicle=vehicle, tpms=[tyre])
    edge.read("TWO", confidence=0.5)
    base = f"{page.url}?camera={edge.camera}"
    for query in (
        *("vehicle_type=van", "vehicle_make=ford", "vehicle_color=red", "region=GB"),
        *("has_frame=true", "tpms_id=45BB320F", "min_confidence=0.9"),
    ):
        page.goto(f"{base}&{query}")
        expect(plates(page)).to_have_text(["ONE"])
        expect(page.locator("#more")).to_have_attribute("open", "")
    page.goto(f"{base}&received_before=2020-01-01T00:00:00Z")
    expect(plates(page)).to_have_count(0)
    page.click("#others .chip")
    expect(plates(page)).to_have_text(["TWO", "ONE"])


def test_pictures_or_rows_is_remembered(page: Page, edge: Edge) -> None:
    edge.read("AB12 CDE", picture((104, 32)))
    page.click("[data-view=grid]")
    page.goto(f"{page.url}?camera={edge.camera}")
    expect(page.locator("#hits")).to_have_attribute("data-view", "grid")
    assert page.locator(".hit img").evaluate("image => image.clientWidth") > 150
    page.click("[data-view=rows]")
    page.reload()
    expect(page.locator("#hits")).to_have_attribute("data-view", "rows")


def test_the_download_holds_every_read_that_was_found(page: Page, edge: Edge) -> None:
    fill_pages(edge, 60)
    edge.read('=HYPERLINK("x")')
    edge.read("OTHER", captured_at=ago(days=3))
    page.goto(f"{page.url}?camera={edge.camera}&captured_after={ago(days=1).replace('+', '%2B')}")
    expect(plates(page)).to_have_count(50)
    with page.expect_download() as started:
        page.click("#download-csv")
    assert re.fullmatch(r"reads-\d{8}T\d{6}Z\.csv", started.value.suggested_filename)
    content = started.value.path().read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content)))
    assert [row["plate"] for row in rows] == [
        '\'=HYPERLINK("x")',
        *(f"N{n:03}" for n in range(60)),
    ]
    assert {row["camera_name"] for row in rows} == {edge.camera_name}
    with page.expect_download() as started:
        page.click("#download-json")
    assert len(json.loads(started.value.path().read_text())) == 61


def test_nothing_found_says_what_to_try(page: Page, edge: Edge) -> None:
    edge.read("AB12 CDE", captured_at=ago(days=3))
    search(page, edge, "B12C")
    expect(page.locator("#ways button")).to_have_text(
        ["Plates that contain B12C", "Look-alikes of B12C", "Without the other filters"]
    )
    page.click("text=Plates that contain")
    expect(plates(page)).to_have_text(["AB12 CDE"])
    page.click("text=Last hour")
    expect(plates(page)).to_have_count(0)
    page.click("text=At any time")
    expect(plates(page)).to_have_text(["AB12 CDE"])


def test_what_the_server_refuses_is_said_at_its_field(context: BrowserContext, page: Page) -> None:
    # A tab of its own: the browser writes each refused request to the console.
    other = context.new_page()
    other.goto(f"{page.url}?tpms_id=xyz")
    expect(other.locator("#problem")).to_contain_text("Tyre sensor: Expected 1 to 16 hex digits.")
    expect(other.locator("[name=tpms_id]")).to_be_focused()
    expect(other.locator("#again")).to_be_hidden()
    other.fill("[name=tpms_id]", "ff")
    other.press("[name=tpms_id]", "Enter")
    expect(other.locator("#problem")).to_be_hidden()


def test_a_server_that_does_not_answer_can_be_asked_again(
    context: BrowserContext, page: Page, edge: Edge
) -> None:
    edge.read("AB12")
    other = context.new_page()

    def fail(route: Route) -> None:
        route.abort()

    other.route("**/api/v1/events?*", fail)
    other.goto(f"{page.url}?camera={edge.camera}")
    expect(other.locator("#problem")).to_contain_text("The server did not answer")
    other.unroute("**/api/v1/events?*")
    other.click("#again")
    expect(plates(other)).to_have_text(["AB12"])


def test_keys_lead_to_the_field_through_the_hits_into_a_read_and_back(
    page: Page, edge: Edge
) -> None:
    for number in range(3):
        edge.read(f"P{number}")
    page.goto(f"{page.url}?camera={edge.camera}")
    expect(plates(page)).to_have_text(["P2", "P1", "P0"])
    page.keyboard.press("/")
    expect(page.locator("#plate")).to_be_focused()
    page.locator(".hit").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#detail .plate-text")).to_have_text("P1")
    assert page.url.endswith(page.evaluate("location.hash"))
    page.keyboard.press("Escape")
    expect(page.locator("#detail")).to_be_hidden()
    expect(page.locator(".hit").nth(1)).to_be_focused()
    page.keyboard.press("End")
    expect(page.locator(".hit").nth(2)).to_be_focused()
    assert page.locator('.hit[tabindex="0"]').count() == 1


def test_reads_of_this_plate_is_a_search(page: Page, edge: Edge) -> None:
    edge.read("ZZ 77", captured_at=ago(days=2))
    edge.read("ZZ 77")
    page.goto(f"{page.url}?camera={edge.camera}&captured_after={NOW:%Y-%m-%d}T00:00:00Z")
    page.locator(".hit").first.click()
    page.click(".only-plate")
    expect(plates(page)).to_have_text(["ZZ 77", "ZZ 77"])
    assert page.url.endswith("?plate=ZZ77")


def test_on_a_phone_a_read_covers_the_hits_and_back_uncovers_them(page: Page, edge: Edge) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    edge.read("AB12 CDE", picture((640, 360)))
    page.goto(f"{page.url}?camera={edge.camera}")
    widths = "[document.documentElement.scrollWidth, innerWidth]"
    expect(plates(page)).to_have_count(1)
    assert page.evaluate(widths) == [390, 390]
    page.locator(".hit").click()
    expect(page.locator("#detail-close")).to_be_focused()
    expect(page.locator("#main")).to_have_attribute("inert", "")
    assert page.evaluate(widths) == [390, 390]
    page.go_back()
    expect(page.locator("#detail")).to_be_hidden()
    expect(page.locator(".hit")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_screen_reader_finds_its_way(page: Page, edge: Edge, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    edge.read("AB12 CDE", picture((104, 32)))
    page.goto(f"{page.url.partition('?')[0]}?similar=AB12CDE")
    expect(plates(page).first).to_be_visible()
    page.click(".more summary")
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
