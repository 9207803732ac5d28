"""The live page when the line breaks, the server restarts, or the laptop slept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, WebSocketRoute, expect

from anpr_project.tests.browser.conftest import PASSWORD, log_in
from anpr_project.tests.edge import Edge
from anpr_project.tests.running import Running, running


def expect_plates(page: Page, *plates: str) -> None:
    expect(page.locator("#reads .plate-text")).to_have_text(list(plates))


def expect_state(page: Page, state: str) -> None:
    expect(page.locator("#state")).to_have_attribute("data-state", state)


def test_no_read_is_missed_while_the_connection_is_lost(
    context: BrowserContext, product: Running, edge: Edge
) -> None:
    page = context.new_page()
    page.goto(f"{product.url}/live?camera={edge.camera}")
    edge.read("BEFORE")
    expect_plates(page, "BEFORE")
    context.set_offline(True)
    expect_state(page, "offline")
    edge.read("DURING 1")
    edge.read("DURING 2")
    context.set_offline(False)
    expect_state(page, "live")
    edge.read("AFTER")
    expect_plates(page, "AFTER", "DURING 2", "DURING 1", "BEFORE")


class Line:
    """The sockets of a page, which a test can let die without a word."""

    def __init__(self, page: Page) -> None:
        self.opened: list[str] = []
        self.is_dead = False
        page.route_web_socket("**/api/v1/events/stream*", self._pass_on)

    def _pass_on(self, socket: WebSocketRoute) -> None:
        self.opened.append(socket.url)
        server = socket.connect_to_server()
        server.on_message(lambda message: None if self.is_dead else socket.send(message))


def test_line_that_died_silently_is_replaced_without_a_hole(
    tab: Page, product: Running, edge: Edge
) -> None:
    line = Line(tab)
    tab.clock.install()
    tab.goto(f"{product.url}/live?camera={edge.camera}")
    edge.read("BEFORE")
    tab.clock.run_for(2000)
    expect_plates(tab, "BEFORE")
    line.is_dead = True
    edge.read("UNHEARD")
    tab.clock.run_for(2000)
    expect_plates(tab, "BEFORE")
    line.is_dead = False
    tab.clock.run_for(70_000)
    expect(tab.locator("#reads .read")).to_have_count(2)
    assert len(line.opened) == 2
    assert "since=" in line.opened[1]
    expect_state(tab, "live")


def test_page_that_slept_catches_up_when_it_wakes(tab: Page, product: Running, edge: Edge) -> None:
    line = Line(tab)
    tab.clock.install()
    tab.goto(f"{product.url}/live?camera={edge.camera}")
    edge.read("BEFORE")
    tab.clock.run_for(2000)
    expect_plates(tab, "BEFORE")
    line.is_dead = True
    edge.read("ASLEEP")
    tab.wait_for_timeout(100)
    line.is_dead = False
    # Timers that fell due meanwhile run once, as after a sleep.
    tab.clock.fast_forward(3_600_000)
    tab.clock.run_for(2000)
    expect(tab.locator("#reads .read")).to_have_count(2)
    assert len(line.opened) == 2


def test_gap_too_large_to_be_streamed_is_loaded_as_a_list(
    tab: Page, product: Running, edge: Edge
) -> None:
    heads = iter([0, 5001])

    def pretend(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        head = next(heads, None)

        def pass_on(message: str | bytes) -> None:
            if head is not None and '"hello"' in str(message):
                message = f'{{"type":"hello","head":{head}}}'
            socket.send(message)

        server.on_message(pass_on)
        sockets.append(socket)

    sockets: list[WebSocketRoute] = []
    tab.route_web_socket("**/api/v1/events/stream*", pretend)
    edge.read("OLD")
    tab.goto(f"{product.url}/live?camera={edge.camera}")
    expect_plates(tab, "OLD")
    edge.read("MISSED")  # of the many
    with tab.expect_request(lambda request: "/api/v1/events?" in request.url):
        sockets[0].close(code=1012)
    expect_plates(tab, "MISSED", "OLD")
    expect_state(tab, "live")
    assert len(sockets) == 3
    assert "since=5001" in sockets[2].url


@pytest.fixture
def restarting(tmp_path: Path) -> Iterator[Running]:
    """A server of the test's own, for it will be stopped."""
    with running("run", tmp_path / "one", DJANGO_SUPERUSER_PASSWORD=PASSWORD) as server:
        server.wait_for()
        yield server


def test_no_read_is_missed_over_a_restart_of_the_server(
    browser: Browser, restarting: Running, tmp_path: Path
) -> None:
    login = {"username": "admin", "password": PASSWORD}
    token = restarting.post("/api/v1/auth/token", login).json()["token"]
    edge = Edge(restarting.url, token)
    page = browser.new_page()
    log_in(page, restarting)
    expect_state(page, "live")
    edge.read("BEFORE")
    expect_plates(page, "BEFORE")
    restarting.stop()
    expect_state(page, "waiting")
    data = tmp_path / "one" / "var"
    with running("run", tmp_path / "two", PORT=restarting.port, DATA_DIR=data) as again:
        again.wait_for()
        edge.read("AFTER")
        expect_plates(page, "AFTER", "BEFORE")
        expect_state(page, "live")
    page.context.close()
