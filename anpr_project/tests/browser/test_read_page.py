"""What surrounds a read, beside the live list and on the read's own page."""

from __future__ import annotations

import re
from typing import Any

import httpx
from playwright.sync_api import Page, expect

from anpr_project.lib.tests.ports import free_port
from anpr_project.tests.edge import Edge
from anpr_project.tests.running import Running
from events.tests.factories import picture


def read_id(edge: Edge, plate: str) -> int:
    answer = httpx.get(
        f"{edge.url}/api/v1/events",
        params={"camera": edge.camera, "plate": plate},
        headers={"Authorization": edge.authorization},
    )
    return int(answer.json()["results"][0]["id"])


def plates(section: Any) -> list[str]:
    return [text.strip() for text in section.locator("li b").all_inner_texts()]


def test_opened_read_shows_the_reads_before_and_after_it(
    tab: Page, product: Running, edge: Edge
) -> None:
    # Of this test alone: reads of the same plate are looked for at all cameras.
    a, b, c, d, e = (f"{letter}{edge.camera} XY" for letter in "ABCDE")
    for plate in (a, b, c, d, e, b):
        edge.read(plate)
    tab.goto(f"{product.url}/live?camera={edge.camera}")
    tab.locator("#reads .read", has_text=c).click()
    detail = tab.locator("#detail")
    expect(detail.locator(".neighbours li")).to_have_count(6)
    assert plates(detail.locator(".neighbours")) == [*(b, e, d, c, b, a)]
    expect(detail.locator('[aria-current="true"]')).to_contain_text(c)
    expect(detail.locator(".same-plate")).to_be_hidden()
    detail.locator(".neighbours a", has_text=a).click()
    expect(detail.locator(".plate-text")).to_have_text(a)
    detail.locator(".neighbours a", has_text=b).click()
    expect(detail.locator(".same-plate li")).to_have_count(1)


def test_opened_read_shows_where_it_was_handed_on(
    tab: Page, product: Running, edge: Edge, token: str
) -> None:
    exporter = httpx.post(
        f"{edge.url}/api/v1/exporters",
        json={
            "name": f"Hook {edge.camera}",
            "exporter_type": "webhook",
            "config": {"url": f"https://127.0.0.1:{free_port()}/"},  # nobody answers there
            "auth": {"type": "none"},
            "retry": {"max_attempts": 1},
            "filters": {"cameras": [edge.camera]},
        },
        headers={"Authorization": edge.authorization},
    )
    assert exporter.status_code == 201, exporter.text
    edge.read("AAA 1")
    tab.goto(f"{product.url}/live?camera={edge.camera}")
    tab.locator("#reads .read").first.click()
    # Other tests have exporters that take every read.
    row = tab.locator("#detail .exports tbody tr", has_text=f"Hook {edge.camera}")
    expect(row).to_have_count(1)
    # It was opened while pending, and says by itself what became of it.
    expect(row.locator(".export-state")).to_have_text("failed, gave up")


def test_link_to_a_read_opens_it_alone(tab: Page, product: Running, edge: Edge) -> None:
    edge.read("AAA 1")
    edge.read("BBB 2", picture((640, 360)), bbox=[100, 200, 80, 20])
    edge.read("CCC 3")
    tab.goto(f"{product.url}/live?camera={edge.camera}")
    tab.locator("#reads .read", has_text="BBB 2").click()
    tab.click("#detail .to-read")
    tab.wait_for_url(f"**/events/{read_id(edge, 'BBB 2')}")
    expect(tab).to_have_title("BBB 2 · ANPR Cloud")
    expect(tab.locator(".overlay")).to_have_attribute("viewBox", "0 0 640 360")
    expect(tab.locator("time").first).to_have_attribute("title", re.compile("UTC$"))
    expect(tab.locator("#newer")).to_be_visible()
    tab.keyboard.press("ArrowRight")
    expect(tab.locator("#read-title")).to_have_text("Read of CCC 3")
    expect(tab.locator("#newer")).to_be_hidden()
    expect(tab.locator("#older")).to_be_visible()
    tab.keyboard.press("ArrowLeft")
    expect(tab.locator("#read-title")).to_have_text("Read of BBB 2")


def test_page_of_a_read_fits_a_phone(tab: Page, product: Running, edge: Edge) -> None:
    edge.read("AB12 CDE", picture((640, 360)), tpms=[{"model": "Ford", "id": "45bb320f"}])
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.goto(f"{product.url}/events/{read_id(edge, 'AB12CDE')}")
    expect(tab.locator("#read-title")).to_have_text("Read of AB12 CDE")
    assert tab.evaluate("document.documentElement.scrollWidth") == 390
