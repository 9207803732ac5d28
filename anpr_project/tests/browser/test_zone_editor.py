"""Zones are drawn on a camera's picture: by mouse, finger, keyboard and as GeoJSON."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from anpr_project.tests.browser.conftest import faultless
from anpr_project.tests.browser.drawing import ZonePage
from anpr_project.tests.edge import Edge
from anpr_project.tests.running import Running
from events.tests.factories import picture

SQUARE = [(0.2, 0.2), (0.6, 0.2), (0.6, 0.6), (0.2, 0.6)]


@pytest.fixture
def zone_page(tab: Page, product: Running, edge: Edge) -> ZonePage:
    """The page of a new zone over the picture of the test's own camera."""
    edge.read("AB12 CDE", picture((640, 360)))
    shown = ZonePage(tab, product, edge)
    shown.open_new()
    expect(shown.picture).to_be_visible()
    return shown


@pytest.fixture
def name() -> str:
    return f"zone {uuid.uuid4().hex[:8]}"


def area(*ring: tuple[float, float]) -> list[Any]:
    return [list(point) for point in (*ring, ring[0])]


def make(edge: Edge, name: str, geometry: Any, **fields: Any) -> int:
    """A zone that the test's camera sees."""
    fields = {"zone_type": "detection", "space": "image"} | fields
    zone = edge.configure("zones", name=name, geometry=geometry, **fields)["id"]
    seen = edge.get(f"config/cameras/{edge.camera}")["zones"]
    edge.change(f"cameras/{edge.camera}", zones=[*seen, zone])
    return int(zone)


def test_a_zone_drawn_by_mouse_is_the_zone_of_the_reads_in_it(
    zone_page: ZonePage, edge: Edge, name: str
) -> None:
    zone_page.click(*SQUARE)
    zone_page.click(SQUARE[0])
    expect(zone_page.announcer).to_contain_text("Finished")
    assert zone_page.outline == SQUARE

    zone = zone_page.save(name)

    assert zone["space"] == "image"
    assert edge.get(f"config/cameras/{edge.camera}")["zones"] == [zone["id"]]
    inside = edge.read("IN 1", picture((640, 360)), bbox=[236, 134, 40, 20])
    outside = edge.read("OUT 1", picture((640, 360)), bbox=[500, 300, 40, 20])
    assert (inside["zone"], outside["zone"]) == (zone["id"], None)


def test_a_zone_is_drawn_by_keyboard_alone(zone_page: ZonePage, edge: Edge, name: str) -> None:
    zone_page.page.locator("#id_name").focus()
    for _ in range(40):
        zone_page.press("Tab")
        if zone_page.canvas.evaluate("element => element === document.activeElement"):
            break
    # From the middle, in steps of a twentieth.
    zone_page.press(*["Shift+ArrowLeft"] * 6, *["Shift+ArrowUp"] * 6, "Enter")
    expect(zone_page.announcer).to_have_text("Corner 1 of 1 at 0.2, 0.2")
    zone_page.press(*["Shift+ArrowRight"] * 8, "Enter", *["Shift+ArrowDown"] * 8, "Enter")
    zone_page.press(*["Shift+ArrowLeft"] * 8, "Enter", "Escape")
    assert zone_page.outline == SQUARE

    # The second corner by ten small steps to the left; the fourth deleted, and had back.
    zone_page.press("n", "n", *["ArrowLeft"] * 10, "n", "n", "Delete")
    expect(zone_page.announcer).to_have_text("Corner deleted, 3 left")
    zone_page.press("Control+z")
    moved = [SQUARE[0], (0.55, 0.2), *SQUARE[2:]]
    assert zone_page.outline == moved
    # A row of arrow keys is taken back at once, and done again.
    zone_page.press("Control+z")
    assert zone_page.outline == SQUARE
    zone_page.press("Control+y")
    assert zone_page.outline == moved

    zone_page.page.locator("#id_name").focus()
    zone_page.page.keyboard.type(name)
    zone_page.press("Enter")
    expect(zone_page.page.get_by_text("was added successfully")).to_contain_text(name)
    assert zone_page.stored(name)["geometry"]["coordinates"][0][1] == [0.55, 0.2]


def test_a_shape_that_crosses_itself_is_refused_at_once(
    zone_page: ZonePage, edge: Edge, name: str
) -> None:
    zone_page.click((0.2, 0.2), (0.6, 0.6), (0.6, 0.2))
    expect(zone_page.problem).to_be_hidden()
    zone_page.click((0.2, 0.6))
    expect(zone_page.problem).to_have_text(re.compile(r"The outline crosses itself at 0\.[34]"))
    expect(zone_page.page.locator(".overlay .wrong")).to_be_visible()

    zone_page.page.fill("#id_name", name)
    zone_page.page.get_by_role("button", name="Save", exact=True).click()
    expect(zone_page.problem).to_be_focused()
    assert edge.get(f"config/zones?name={name}")["results"] == []

    zone_page.tool("Undo").click()
    expect(zone_page.problem).to_be_hidden()
    assert len(zone_page.save(name)["geometry"]["coordinates"][0]) == 4


def test_corners_are_moved_added_and_deleted_by_mouse(zone_page: ZonePage) -> None:
    zone_page.click(*SQUARE, SQUARE[0])
    zone_page.drag(zone_page.corners.nth(2), (0.8, 0.7))
    assert zone_page.outline == [*SQUARE[:2], (0.8, 0.7), SQUARE[3]]
    zone_page.drag(zone_page.page.locator(".overlay g.middle").nth(0), (0.4, 0.1))
    assert zone_page.outline == [SQUARE[0], (0.4, 0.1), SQUARE[1], (0.8, 0.7), SQUARE[3]]
    zone_page.corners.nth(1).dblclick()
    assert zone_page.outline == [*SQUARE[:2], (0.8, 0.7), SQUARE[3]]
    zone_page.drag(zone_page.corners.nth(2), (1.2, 0.6))
    assert zone_page.outline[2] == (1.0, 0.6)  # no further than the picture


def test_drawing_and_text_say_the_same(zone_page: ZonePage) -> None:
    text = json.dumps({"type": "Polygon", "coordinates": [area(*SQUARE)]})
    zone_page.text.fill(text)
    expect(zone_page.corners).to_have_count(4)
    for wrong, said in [
        (text[:-3], "This is not JSON"),
        (text.replace("0.6", "1.6"), "x 1.6 is outside 0 to 1"),
        ('{"type": "Point", "coordinates": [0, 0]}', "Polygon or MultiPolygon"),
        (json.dumps({"type": "Polygon", "coordinates": [area(*SQUARE)[:-1]]}), "ring is open"),
        (json.dumps({"type": "Polygon", "coordinates": [area(*[(0.1, 0.1)] * 3)]}), "too few"),
    ]:
        zone_page.text.fill(wrong)
        expect(zone_page.problem).to_contain_text(said)
        assert zone_page.text.input_value() == wrong  # what one types is not taken away
    zone_page.text.fill(text)
    expect(zone_page.problem).to_be_hidden()


def test_areas_and_holes_of_a_zone_are_kept_and_can_be_edited(
    zone_page: ZonePage, edge: Edge, name: str
) -> None:
    hole = area((0.3, 0.3), (0.4, 0.3), (0.4, 0.4))
    second = area((0.7, 0.7), (0.9, 0.7), (0.9, 0.9))
    parts = [[area(*SQUARE), hole], [second]]
    zone = make(edge, name, {"type": "MultiPolygon", "coordinates": parts})
    zone_page.open(zone)
    assert zone_page.geometry == {"type": "MultiPolygon", "coordinates": parts}
    zone_page.click((0.38, 0.32))
    expect(zone_page.announcer).to_have_text("Hole 1 of area 1, 3 corners")
    zone_page.drag(zone_page.corners.nth(1), (0.5, 0.3))
    zone_page.click((0.85, 0.75))
    expect(zone_page.announcer).to_have_text("Area 2, 3 corners")
    zone_page.tool("Delete area").click()

    saved = zone_page.save(name)["geometry"]

    assert saved["type"] == "MultiPolygon"
    ((outline, changed),) = saved["coordinates"]
    assert outline == area(*SQUARE)
    assert changed[0] == [0.3, 0.3]
    assert changed[1] == pytest.approx([0.5, 0.3], abs=0.004)


def test_a_second_area_and_a_hole_are_drawn(zone_page: ZonePage) -> None:
    zone_page.click(*SQUARE, SQUARE[0])
    zone_page.tool("Cut a hole").click()
    zone_page.click((0.3, 0.3), (0.5, 0.3), (0.5, 0.5), (0.3, 0.3))
    zone_page.tool("New area").click()
    zone_page.click((0.7, 0.7), (0.9, 0.7), (0.9, 0.9), (0.7, 0.7))
    expect(zone_page.problem).to_be_hidden()
    assert zone_page.geometry["type"] == "MultiPolygon"
    assert [len(rings) for rings in zone_page.geometry["coordinates"]] == [2, 1]


def test_the_other_zones_of_the_camera_are_shown_by_type(
    zone_page: ZonePage, edge: Edge, name: str
) -> None:
    for kind in ("detection", "exclusion", "parking"):
        make(edge, f"{name} {kind}", {"type": "Polygon", "coordinates": [area(*SQUARE)]}, zone_type=kind)  # fmt: skip
    zone_page.open_new()
    shown = zone_page.page.locator(".overlay .neighbour")
    expect(shown).to_have_count(3)
    colours = shown.evaluate_all("all => all.map(each => getComputedStyle(each).stroke)")
    assert len(set(colours)) == 3
    zone_page.page.get_by_role("link", name=f"{name} parking").click()
    expect(zone_page.page.locator("#id_name")).to_have_value(f"{name} parking")
    expect(zone_page.picture).to_be_visible()
    expect(shown).to_have_count(2)  # the third one is drawn itself


def test_another_camera_is_another_picture_and_none_is_a_blank_frame(
    zone_page: ZonePage, edge: Edge, product: Running
) -> None:
    other = Edge(product.url, edge.authorization.removeprefix("Token "))
    zone_page.open_new()
    first = zone_page.picture.get_attribute("src")
    chooser = zone_page.page.locator("[data-part=camera]")
    chooser.select_option(label=other.camera_name)
    expect(zone_page.hint).to_contain_text("has sent no picture lately")
    expect(zone_page.picture).to_be_hidden()
    box = zone_page.ground.bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(16 / 9, abs=0.01)
    # A new zone is seen by the camera on whose picture it is drawn.
    seeing = zone_page.page.locator("#id_cameras")
    assert seeing.evaluate("e => [...e.selectedOptions].map(o => Number(o.value))") == [
        other.camera
    ]
    other.read("AB12 CDE", picture((400, 400)))
    chooser.select_option(label=edge.camera_name)
    expect(zone_page.picture).to_have_attribute("src", str(first))
    chooser.select_option(label=other.camera_name)
    expect(zone_page.picture).not_to_have_attribute("src", str(first))
    assert zone_page.ground.evaluate("e => e.clientWidth === e.clientHeight")


def test_a_zone_is_drawn_on_the_map_without_tiles(
    zone_page: ZonePage, edge: Edge, name: str
) -> None:
    edge.change(f"cameras/{edge.camera}", latitude=51.5, longitude=-0.12, heading=90)
    zone_page.page.reload()
    zone_page.page.select_option("#id_space", "map")
    marker = zone_page.page.locator(".camera-marker", has_text=edge.camera_name)
    expect(marker).to_be_visible()
    expect(marker.locator("path")).to_have_attribute("transform", "rotate(90)")
    expect(zone_page.page.locator(".overlay .grid").first).to_be_attached()
    there = zone_page.page.locator(".map")
    for x, y in ((200, 200), (400, 200), (400, 350), (200, 350)):
        there.click(position={"x": x, "y": y})
    # The map's own keys: closer, and a corner a little to the east.
    zone_page.press("Escape", "+", "n", "ArrowRight")
    zone = zone_page.save(name)
    assert zone["space"] == "map"
    (ring,) = zone["geometry"]["coordinates"]
    assert len(ring) == 5
    assert all(abs(x + 0.12) < 0.01 and abs(y - 51.5) < 0.01 for x, y in ring)
    # A little within the corner: it was written to the centimetre.
    placed = edge.read("MAP 1", location={"latitude": ring[2][1], "longitude": ring[2][0]})
    assert placed["zone"] == zone["id"]


def test_what_is_drawn_in_one_space_waits_while_one_looks_at_the_other(
    zone_page: ZonePage,
) -> None:
    zone_page.click(*SQUARE, SQUARE[0])
    zone_page.page.select_option("#id_space", "map")
    expect(zone_page.page.locator(".map")).to_be_visible()
    expect(zone_page.text).to_have_value("")
    zone_page.page.select_option("#id_space", "image")
    assert zone_page.outline == SQUARE


def test_a_finger_draws_on_a_phone(
    browser: Browser, login_state: Any, product: Running, edge: Edge
) -> None:
    phone = browser.new_context(
        storage_state=login_state, viewport={"width": 390, "height": 844}, has_touch=True
    )
    with faultless(phone.new_page(), product) as page:
        shown = ZonePage(page, product, edge)
        shown.open_new()
        shown.look()
        for point in (*SQUARE, SQUARE[0]):
            page.touchscreen.tap(*shown.spot(point))
        assert len(shown.outline) == 4
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    phone.close()


def test_the_camera_page_leads_to_a_new_zone_over_its_picture(
    zone_page: ZonePage, product: Running, edge: Edge
) -> None:
    zone_page.page.goto(f"{product.url}/admin/cameras/camera/{edge.camera}/change/")
    zone_page.page.get_by_role("link", name="Draw a zone").click()
    expect(zone_page.picture).to_be_visible()
    expect(zone_page.page.get_by_label("This camera sees the zone")).to_be_checked()
