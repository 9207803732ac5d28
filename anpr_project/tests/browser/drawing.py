"""The zone editor as its tests handle it: corners in shares of the picture."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Locator, Page, expect

from anpr_project.tests.edge import Edge
from anpr_project.tests.running import Running

Point = tuple[float, float]


class ZonePage:
    def __init__(self, page: Page, product: Running, edge: Edge) -> None:
        self.page, self.product, self.edge = page, product, edge
        self.canvas = page.locator("[data-part=canvas]")
        self.ground = page.locator(".frame-ground")
        self.picture = page.locator(".frame-image")
        self.text = page.locator("#id_geometry")
        self.problem = page.locator("[data-part=problem]")
        self.hint = page.locator("[data-part=hint]")
        self.announcer = page.locator("[data-part=announcer]")
        self.corners = page.locator(".overlay g.corner")

    def _arrive(self, path: str) -> None:
        self.page.goto(f"{self.product.url}/admin/zones/zone/{path}")
        self.settle()

    def settle(self) -> None:
        """Wait until the picture and the other zones are there."""
        expect(self.canvas).to_have_attribute("aria-busy", "false")

    def open_new(self, camera: int | None = None) -> None:
        self._arrive(f"add/?cameras={camera or self.edge.camera}")

    def open(self, zone: int) -> None:
        self._arrive(f"{zone}/change/?camera={self.edge.camera}")

    def spot(self, at: Point) -> Point:
        box = self.ground.bounding_box()
        assert box is not None
        return box["x"] + box["width"] * at[0], box["y"] + box["height"] * at[1]

    def look(self) -> None:
        # To the middle: the bar with the buttons lies over the lower end of the window.
        self.canvas.evaluate("element => element.scrollIntoView({block: 'center'})")

    def click(self, *points: Point) -> None:
        self.look()
        for point in points:
            self.page.mouse.click(*self.spot(point))

    def drag(self, handle: Locator, to: Point) -> None:
        self.look()
        box = handle.bounding_box()
        assert box is not None
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        self.page.mouse.down()
        self.page.mouse.move(*self.spot(to), steps=4)
        self.page.mouse.up()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def tool(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    @property
    def geometry(self) -> Any:
        return json.loads(self.text.input_value())

    @property
    def outline(self) -> list[Point]:
        """The corners of the only ring, to two digits."""
        assert self.geometry["type"] == "Polygon"
        (ring,) = self.geometry["coordinates"]
        assert ring[0] == ring[-1]
        return [(round(x, 2), round(y, 2)) for x, y in ring[:-1]]

    def save(self, name: str) -> Any:
        """Save it under that name; give what the API then says of it."""
        self.page.fill("#id_name", name)
        self.page.get_by_role("button", name="Save", exact=True).click()
        expect(self.page.get_by_text("successfully")).to_contain_text(name)
        return self.stored(name)

    def stored(self, name: str) -> Any:
        (zone,) = self.edge.get(f"config/zones?name={name}")["results"]
        return zone
