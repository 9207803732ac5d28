"""The statistics page in a real browser, on the real server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from anpr_project.tests.browser.conftest import faultless
from anpr_project.tests.edge import Edge
from anpr_project.tests.running import Running

NOW = datetime.now(UTC).replace(microsecond=0)


def read(plate: str, *, confidence: float = 0.9, **fields: Any) -> dict[str, Any]:
    return {"plate": plate, "confidence": confidence, "captured_at": NOW.isoformat()} | fields


def ago(**span: float) -> str:
    return (NOW - timedelta(**span)).isoformat()


def open_page(page: Page, product: Running, edge: Edge, query: str = "") -> None:
    page.goto(f"{product.url}/statistics?camera={edge.camera}&{query}")
    expect(page.locator("#content")).to_be_visible()


def figures(page: Page) -> list[str]:
    return page.locator("#figures b").all_inner_texts()


def table(page: Page, name: str) -> list[list[str]]:
    rows = page.locator(f"#{name} tbody tr").all()
    return [[text.strip() for text in row.locator("th, td").all_inner_texts()] for row in rows]


def test_the_numbers_are_those_that_were_sent(tab: Page, product: Running, edge: Edge) -> None:
    edge.send_batch(
        [
            read("AA1", vehicle={"type": "car"}),
            read("AA1", confidence=0.8, vehicle={"type": "car"}),
            read("BB2", vehicle={"type": "van"}, captured_at=ago(days=2)),
            read("CC3", captured_at=ago(days=20)),
        ]
    )
    open_page(tab, product, edge, "range=7&bucket=day")
    assert figures(tab) == ["3", "2", "86.7%"]
    assert table(tab, "by-camera") == [[edge.camera_name, "3"]]
    assert table(tab, "by-zone") == [["no zone", "3"]]
    assert table(tab, "by-type") == [["car", "2"], ["van", "1"]]
    assert table(tab, "top-plates") == [["AA1", "2"], ["BB2", "1"]]
    tab.click(".as-table summary")
    points = [int(row[1]) for row in table(tab, "chart-table")]
    assert points == [0, 0, 0, 0, 1, 0, 2]
    assert tab.locator("#chart rect").count() == 7
    tab.click("text=30 days")
    expect(tab.locator("#figures b").first).to_have_text("4")
    assert "range=30" in tab.url


def test_the_time_before_is_a_second_line_and_a_difference(
    tab: Page, product: Running, edge: Edge
) -> None:
    edge.send_batch(
        [read("AA1"), read("AA1"), read("AA2")]
        + [read("AA1", confidence=0.95, captured_at=ago(days=7, minutes=1)) for _ in range(2)]
    )
    open_page(tab, product, edge, "range=today")
    expect(tab.locator("#compare-text")).to_have_text("Compare with the week before")
    tab.click("text=Compare with")
    expect(tab.locator("#chart .before")).to_have_count(1)
    shown = tab.locator("#figures dd span")
    expect(shown).to_have_text(
        [
            "+50% against the week before",
            "+100% against the week before",
            "−5.0 points against the week before",  # noqa: RUF001 - a minus sign
        ]
    )
    assert table(tab, "by-camera") == [[edge.camera_name, "3", "+50%"]]
    tab.click("text=30 days")
    expect(tab.locator("#legend")).to_contain_text("5 weeks before")
    tab.reload()
    expect(tab.locator("#chart .before")).to_have_count(1)


def test_days_are_those_of_the_viewer(
    browser: Browser, login_state: Any, product: Running, edge: Edge
) -> None:
    # 23:30 UTC is the next day in Tokyo and still the same in London in winter.
    edge.send_batch([read("AA1", captured_at="2026-01-10T23:30:00Z")])
    for zone, day in (("Asia/Tokyo", "Sun 11 Jan"), ("Europe/London", "Sat 10 Jan")):
        context = browser.new_context(storage_state=login_state, timezone_id=zone, locale="en-GB")
        with faultless(context.new_page(), product) as page:
            open_page(page, product, edge, "range=custom&from=2026-01-10&to=2026-01-11&bucket=day")
            page.click(".as-table summary")
            rows = [row[0].replace(",", "") for row in table(page, "chart-table") if row[1] == "1"]
            assert rows == [day]
            expect(page.locator("#zone-note")).to_contain_text(zone)
        context.close()


def test_a_camera_that_sees_worse_comes_first(tab: Page, product: Running, edge: Edge) -> None:
    other = Edge(product.url, edge.authorization.removeprefix("Token "))
    for sensor, later in ((edge, 0.6), (other, 0.9)):
        early = [read("AA1", captured_at=ago(days=6)) for _ in range(12)]
        sensor.send_batch(early + [read("AA1", confidence=later) for _ in range(12)])
    tab.goto(f"{product.url}/statistics?range=7")
    row = tab.locator("#drift tr", has_text=edge.camera_name)
    expect(row.locator(".fell")).to_have_text("-30.0")
    expect(row.locator("polyline")).to_have_count(1)
    steady = tab.locator("#drift tr", has_text=other.camera_name)
    expect(steady.locator(".change")).to_have_text("0.0")
    names = tab.locator("#drift tbody th").all_inner_texts()
    assert names.index(edge.camera_name) < names.index(other.camera_name)


def test_numbers_lead_to_the_reads_behind_them(tab: Page, product: Running, edge: Edge) -> None:
    edge.send_batch([read("AA1"), read("BB2"), read("AA1", captured_at=ago(days=40))])
    open_page(tab, product, edge, "range=7")
    tab.click("#top-plates >> text=AA1")
    expect(tab.locator("#hits .plate-text")).to_have_text(["AA1"])
    tab.go_back()
    tab.click(f"#by-camera >> text={edge.camera_name}")
    expect(tab.locator("#hits .plate-text")).to_have_text(["BB2", "AA1"])


def test_keys_read_the_chart_bar_by_bar(tab: Page, product: Running, edge: Edge) -> None:
    edge.send_batch([read("AA1", captured_at=ago(days=6))])
    open_page(tab, product, edge, "range=7&bucket=day")
    tab.locator("#chart svg").focus()
    tab.keyboard.press("ArrowRight")
    expect(tab.locator("#chart .tip")).to_contain_text(": 1")
    tab.keyboard.press("ArrowRight")
    expect(tab.locator("#chart .tip")).to_contain_text(": 0")
    tab.keyboard.press("Escape")
    expect(tab.locator("#chart .tip")).to_be_hidden()


def test_an_own_range_needs_both_days_and_may_be_long(
    tab: Page, product: Running, edge: Edge
) -> None:
    edge.send_batch([read("AA1", captured_at="2025-03-01T12:00:00Z")])
    tab.goto(f"{product.url}/statistics?camera={edge.camera}")
    expect(tab.locator("#empty-text")).to_have_text(
        "No read of this camera and zone in this range."
    )
    tab.click("text=Custom")
    expect(tab.locator("#problem-text")).to_have_text("Choose the first and the last day.")
    tab.fill("[name=from]", "2025-01-01")
    tab.fill("[name=to]", "2025-12-31")
    tab.press("[name=to]", "Tab")
    expect(tab.locator("#figures b").first).to_have_text("1")
    expect(tab.locator("#zone-note")).to_contain_text("counted in days of UTC")
    assert tab.locator("#chart rect").count() in (365, 366)
    tab.select_option("[name=bucket]", "week")
    expect(tab.locator("#chart-title")).to_have_text("Reads per week")
    tab.go_back()
    expect(tab.locator("#chart-title")).to_have_text("Reads per day")


def test_a_server_that_does_not_answer_can_be_asked_again(
    context: BrowserContext, product: Running, edge: Edge
) -> None:
    edge.send_batch([read("AA1")])
    page = context.new_page()

    def fail(route: Route) -> None:
        body = {"code": "unavailable", "message": "Not now.", "errors": []}
        route.fulfill(status=503, json=body)

    page.route("**/api/v1/events/stats?*", fail)
    page.goto(f"{product.url}/statistics?camera={edge.camera}")
    expect(page.locator("#problem-text")).to_have_text("Not now.")
    page.unroute("**/api/v1/events/stats?*")
    page.click("#again")
    expect(page.locator("#figures b").first).to_have_text("1")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1360), ("dark", 390)])
def test_a_screen_reader_finds_its_way_and_a_phone_has_room(
    tab: Page, product: Running, edge: Edge, scheme: Any, width: int
) -> None:
    tab.set_viewport_size({"width": width, "height": 900})
    tab.emulate_media(color_scheme=scheme)
    edge.send_batch([read(f"AA{n}", vehicle={"type": "car"}) for n in range(30)])
    open_page(tab, product, edge, "range=7&compare=1")
    tab.click(".as-table summary")
    assert tab.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [width, width]
    found = Axe().run(tab).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
