"""The pages in a real browser, on the real server: one `make run` for all tests of a worker."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from anpr_project.tests.edge import Edge
from anpr_project.tests.running import Running, running

PASSWORD = "correct horse"
# Generous: what is tested is that it happens by itself, on machines that do much else meanwhile.
expect.set_options(timeout=15_000)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("browser")
    settings = {"EXPORT_ALLOW_NETWORKS": "127.0.0.0/8"}
    with running("run", folder, DJANGO_SUPERUSER_PASSWORD=PASSWORD, **settings) as server:
        server.wait_for()
        yield server


# Not for the session: its event loop would be running while tests of other modules want theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None and os.environ.get("CI") != "true":
        pytest.skip("chromium is not installed (with CI=true this would be a failure)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM or "chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def token(product: Running) -> str:
    login = {"username": "admin", "password": PASSWORD}
    return str(product.post("/api/v1/auth/token", login).json()["token"])


@pytest.fixture
def edge(product: Running, token: str) -> Edge:
    """A new camera with a sensor of its own, so that tests do not see each other's reads."""
    return Edge(product.url, token)


def log_in(page: Page, product: Running, name: str = "admin", password: str = PASSWORD) -> None:
    page.goto(f"{product.url}/live")
    page.fill("#id_username", name)
    page.fill("#id_password", password)
    page.press("#id_password", "Enter")
    page.wait_for_url("**/live*")


@pytest.fixture(scope="module")
def login_state(product: Running, browser: Browser) -> Any:
    page = browser.new_page()
    log_in(page, product)
    state = page.context.storage_state()
    page.context.close()
    return state


@pytest.fixture
def context(browser: Browser, login_state: Any) -> Iterator[BrowserContext]:
    """A signed-in administrator on a wide screen."""
    made = browser.new_context(storage_state=login_state, viewport={"width": 1440, "height": 900})
    yield made
    made.close()


@pytest.fixture(autouse=True)
def unmeasured(no_cover: None) -> None:
    """The product runs in a process of its own here: measuring what waits for it tells nothing."""


@contextmanager
def faultless(page: Page, product: Running) -> Iterator[Page]:
    """A page that may say nothing in its console (a breach of the content policy does) and ask no
    other host."""
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((product.url, "data:", "blob:"))
            else problems.append(request.url)
        ),
    )
    yield page
    assert problems == []


@pytest.fixture
def tab(context: BrowserContext, product: Running) -> Iterator[Page]:
    """An empty tab of the signed-in administrator that must stay without fault."""
    with faultless(context.new_page(), product) as page:
        yield page
