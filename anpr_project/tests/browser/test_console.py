"""The admin site in a real browser: what one configures, imports and tries there."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from anpr_project.tests.browser.conftest import faultless
from anpr_project.tests.edge import Edge
from anpr_project.tests.running import Running
from events.tests.factories import picture
from exporters.tests.sinks import Sink, status

CAMERAS = "/admin/cameras/camera/"
EXPORTERS = "/admin/exporters/exporterconfig/"


@pytest.fixture
def name() -> str:
    return f"Console {uuid.uuid4().hex[:8]}"


@pytest.fixture
def phone(context: BrowserContext, product: Running) -> Iterator[Page]:
    page = context.new_page()
    page.set_viewport_size({"width": 390, "height": 844})
    with faultless(page, product) as made:
        yield made


def test_camera_is_added_from_the_sidebar_and_its_reads_show_in_its_list(
    tab: Page, product: Running, edge: Edge, name: str
) -> None:
    tab.goto(f"{product.url}/admin/")
    tab.locator(f"#nav-sidebar-apps a[href='{CAMERAS}']").click()
    tab.locator(f"a[href='{CAMERAS}add/']").click()
    tab.fill("#id_name", name)
    tab.get_by_role("button", name="Save", exact=True).click()
    expect(tab.get_by_text("was added successfully")).to_contain_text(name)
    edge.read("AB12 CDE", picture((640, 360)))
    tab.goto(f"{product.url}{CAMERAS}?q={edge.camera_name}")
    row = tab.locator("#result_list tbody tr").filter(has_text=edge.camera_name)
    expect(row).to_contain_text("just now")
    image = row.locator("img")
    expect(image).to_be_visible()
    tab.wait_for_function("document.querySelector('#result_list img').naturalWidth > 0")


def test_cameras_are_imported_after_a_look_at_what_would_change(
    tab: Page, product: Running, edge: Edge, name: str, tmp_path: Path
) -> None:
    file = tmp_path / "cameras.csv"
    file.write_text(f"name,fps\n{name},25\n{edge.camera_name},12.5\n")
    tab.goto(f"{product.url}{CAMERAS}")
    tab.get_by_role("link", name="Import CSV").click()
    tab.set_input_files("input[type=file]", file)
    tab.get_by_role("button", name="Show the changes").click()
    preview = tab.locator("#preview")
    expect(preview).to_contain_text("1 new · 1 changed")
    expect(preview.locator("tr[data-state=changed] ins")).to_have_text("12.5")
    tab.get_by_role("button", name="Confirm import").click()
    tab.wait_for_url(re.compile(rf"{CAMERAS}$"))
    expect(tab.get_by_text("1 added, 1 changed")).to_be_visible()
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Export CSV").click()
    assert f"{edge.camera_name},,12.5" in download.value.path().read_text()


def test_exporter_is_made_with_the_fields_of_its_kind_and_tried(
    tab: Page, product: Running, name: str
) -> None:
    tab.goto(f"{product.url}{EXPORTERS}add/")
    tab.get_by_role("link", name="webhook").click()
    expect(tab.locator("#id_auth_token")).to_be_hidden()
    tab.select_option("#id_auth_type", "bearer")
    expect(tab.locator("#id_auth_token")).to_be_visible()
    expect(tab.locator("#id_auth_username")).to_be_hidden()
    tab.fill("#id_name", name)
    tab.fill("#id_auth_token", "t0ken")
    with Sink() as sink:
        tab.fill("#id_config_url", sink.url)
        tab.get_by_role("button", name="Save", exact=True).click()
        tab.goto(f"{product.url}{EXPORTERS}?q={name}")
        tab.locator("#result_list").get_by_role("link", name=name, exact=True).click()
        tab.get_by_role("link", name="Test and state").click()
        tab.get_by_role("button", name="Send a test now").click()
        expect(tab.get_by_text("delivered in")).to_be_visible()
        assert sink.requests[0].headers["authorization"] == "Bearer t0ken"
        sink.reply = lambda _: status(503)
        tab.get_by_role("button", name="Send a test now").click()
        expect(tab.get_by_text("not delivered after")).to_contain_text("503")
    tab.get_by_role("button", name="Disable").click()
    expect(tab.locator(".console-state")).to_have_text("disabled")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_overview_fits_a_phone_in_light_and_dark(
    phone: Page, product: Running, edge: Edge, scheme: str
) -> None:
    edge.read("AB12 CDE")
    phone.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for path in ("/admin/", CAMERAS, f"{CAMERAS}import", f"{EXPORTERS}add/?exporter_type=mqtt"):
        phone.goto(product.url + path)
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390, path
    phone.goto(f"{product.url}/admin/")
    expect(phone.locator(".console-chart canvas")).to_be_visible()
    shade = phone.evaluate("getComputedStyle(document.querySelector('.console-card')).color")
    assert shade
