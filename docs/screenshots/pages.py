"""Which pages are photographed, and what is done on each before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from demo import Demo
from playwright.sync_api import Page


def nothing(page: Page, demo: Demo) -> None:
    """The page is ready as it is."""


@dataclass(frozen=True)
class Shot:
    name: str
    path: str | Callable[[str, Demo], str]
    prepare: Callable[[Page, Demo], None] = nothing
    is_signed_in: bool = True
    height: int = 820

    def address(self, token: str, demo: Demo) -> str:
        path = self.path if isinstance(self.path, str) else self.path(token, demo)
        return demo.url + path


def telling_read(token: str, demo: Demo) -> str:
    """The newest read that has most to show: a picture, tyres, other readings."""
    reads = demo.call("GET", "/api/v1/events?has_frame=true&limit=200", token=token)["results"]
    best = max(reads, key=lambda read: (bool(read["candidates"]), len(read["tpms"]), read["id"]))
    return f"/events/{best['id']}"


def zone_in_the_picture(token: str, demo: Demo) -> str:
    zones = demo.call("GET", "/api/v1/config/zones?page_size=50", token=token)["results"]
    [zone] = [zone for zone in zones if zone["name"] == "A40 carriageway"]
    return f"/admin/zones/zone/{zone['id']}/change/"


def exporter(token: str, demo: Demo) -> str:
    [made] = demo.call("GET", "/api/v1/exporters", token=token)["results"]
    return f"/admin/exporters/exporterconfig/{made['id']}/change/"


def with_traffic(page: Page, demo: Demo) -> None:
    # While the page is open: its counter and its newest rows are real.
    page.wait_for_selector('#state[data-state="live"]')
    demo.simulate("--count", "12", "--rate", "6", "--history", "0")
    page.wait_for_timeout(2500)


def with_a_corner_chosen(page: Page, demo: Demo) -> None:
    page.wait_for_selector("[data-part=canvas][aria-busy=false]")
    page.locator("[data-part=canvas]").focus()
    page.keyboard.press("n")
    page.locator(".sides").evaluate("sides => sides.scrollIntoView({block: 'center'})")


def with_a_search(page: Page, demo: Demo) -> None:
    page.wait_for_timeout(1500)


SHOTS = [
    Shot("live", "/live", with_traffic),
    Shot("read", telling_read, height=1040),
    Shot("search", "/search", with_a_search),
    Shot("statistics", "/statistics", with_a_search, height=1300),
    Shot("admin", "/admin/", height=1000),
    Shot("cameras", "/admin/cameras/camera/"),
    Shot("events", "/admin/events/plateevent/"),
    Shot("zone-editor", zone_in_the_picture, with_a_corner_chosen),
    Shot("exporter", exporter, height=1100),
    Shot("login", "/login", is_signed_in=False, height=640),
    Shot("account", "/account", height=900),
]
