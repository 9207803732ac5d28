"""Every page is checked by axe: wide and light, and on a phone in the dark; nothing serious is left."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.urls import URLPattern, URLResolver
from playwright.sync_api import Browser, Page, expect

from anpr_project.tests.browser.readability import findings
from anpr_project.tests.edge import Edge
from anpr_project.tests.running import Running
from anpr_project.urls import urlpatterns
from events.tests.factories import picture
from zones.tests.factories import SQUARE


def _module(pattern: URLPattern) -> str:
    view = pattern.callback
    return str(getattr(view, "view_class", view).__module__)


def _pages(patterns: Iterable[URLPattern | URLResolver], prefix: str = "/") -> Iterator[str]:
    """The addresses of our own pages that need no id, whoever adds one."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _pages(pattern.url_patterns, path)
        elif _module(pattern).startswith("anpr_project.pages") and "<" not in path:
            yield path


PATTERNS: list[Any] = urlpatterns  # of two kinds, told apart above
PAGES = sorted(set(_pages(PATTERNS)))
MODELS = sorted(model._meta.label_lower for model in admin.site._registry)


@pytest.fixture(scope="module")
def furnished(product: Running, token: str) -> Edge:
    """Something of everything, so that no page is empty."""
    edge = Edge(product.url, token)
    polygon = {"name": "Car park", "zone_type": "parking", "space": "image", "geometry": SQUARE}
    zone = edge.configure("zones", **polygon)["id"]
    edge.change(f"cameras/{edge.camera}", zones=[zone], latitude=51.5, longitude=-0.12)
    edge.configure(
        "models", name="Plates", version="1", model_type="ocr", weights_path="plates.onnx"
    )
    # Nobody listens there: its attempts fail, and are listed.
    sink = {"name": "Barrier", "exporter_type": "webhook", "config": {"url": "https://127.0.0.1/"}}
    answer = product.post("/api/v1/exporters", sink, Authorization=edge.authorization)
    assert answer.status_code == 201, answer.text
    edge.read("AB12 CDE", picture((640, 360)), bbox=[10, 10, 40, 20])
    return edge


@pytest.fixture(scope="module")
def page(browser: Browser, login_state: Any) -> Iterator[Page]:
    context = browser.new_context(storage_state=login_state, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def visit(page: Page, product: Running, path: str) -> None:
    answer = page.goto(product.url + path)
    assert answer is not None
    assert answer.status == 200, path
    page.wait_for_load_state("load")


def test_our_pages_are_found() -> None:
    assert {"/live", "/login"} <= set(PAGES)
    assert "zones.zone" in MODELS


@pytest.mark.parametrize("path", [path for path in PAGES if path != "/login"])
def test_page_is_accessible(page: Page, product: Running, furnished: Edge, path: str) -> None:
    if page.request.get(product.url + path).status == 405:
        return  # Not a page: it takes a form that another page shows.
    visit(page, product, path)
    assert findings(page) == []


def test_sign_in_is_accessible(browser: Browser, product: Running) -> None:
    page = browser.new_page(reduced_motion="reduce")
    visit(page, product, "/login")
    assert findings(page) == []
    page.fill("#id_username", "nobody")
    page.fill("#id_password", "wrong")
    page.press("#id_password", "Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    assert findings(page) == []
    page.context.close()


def test_a_read_in_full_is_accessible(page: Page, product: Running, furnished: Edge) -> None:
    visit(page, product, f"/live?camera={furnished.camera}")
    page.locator(".read").first.click()
    expect(page.locator("#detail .facts")).to_be_visible()
    assert findings(page) == []


def test_the_page_of_a_read_is_accessible(page: Page, product: Running, furnished: Edge) -> None:
    (newest,) = furnished.get(f"events?camera={furnished.camera}&limit=1")["results"]
    visit(page, product, f"/events/{newest['id']}")
    assert findings(page) == []


def test_the_zone_editor_is_accessible_while_one_draws(
    page: Page, product: Running, furnished: Edge
) -> None:
    visit(page, product, f"/admin/zones/zone/add/?cameras={furnished.camera}")
    expect(page.locator("[data-part=canvas]")).to_have_attribute("aria-busy", "false")
    page.locator("summary", has_text="By keyboard").click()
    crossing = [[0.2, 0.2], [0.6, 0.6], [0.6, 0.2], [0.2, 0.6], [0.2, 0.2]]
    page.fill("#id_geometry", json.dumps({"type": "Polygon", "coordinates": [crossing]}))
    expect(page.locator("[data-part=problem]")).to_be_visible()
    assert findings(page) == []
    page.select_option("#id_space", "map")
    expect(page.locator(".camera-marker").first).to_be_visible()
    assert findings(page) == []


def test_the_page_for_data_subjects_is_accessible(
    page: Page, product: Running, furnished: Edge
) -> None:
    visit(page, product, "/admin/data-subject/")
    assert findings(page) == []
    page.fill("#id_plate", "AB12 CDE")
    page.fill("#id_reason", "Request of 3 November")
    page.get_by_role("button", name="Show what is kept").click()
    expect(page.locator("#kept")).to_be_visible()
    assert findings(page) == []


def test_admin_home_is_accessible(page: Page, product: Running, furnished: Edge) -> None:
    visit(page, product, "/admin/")
    assert findings(page) == []


@pytest.mark.parametrize("model", MODELS)
def test_list_and_forms_are_accessible(
    page: Page, product: Running, furnished: Edge, model: str
) -> None:
    listed = f"/admin/{model.replace('.', '/')}/"
    visit(page, product, listed)
    found = findings(page)
    row = page.locator(f"#result_list a[href*='{listed}']").first
    form = str(row.get_attribute("href")).partition("?")[0] if row.count() else f"{listed}add/"
    # What the product alone writes, and has not yet, has no form to look at.
    if row.count() or page.request.get(product.url + form).status != 403:
        visit(page, product, form)
        found += findings(page)
    assert found == []
