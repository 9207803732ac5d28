"""Takes the pictures of the documentation from the running product: python docs/screenshots/take.py.

Starts the embedded product in a folder of its own, plays demo traffic and photographs the pages
with Chromium, at a time zone in which it is late morning: the demo's cameras see by day.
"""

from __future__ import annotations

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

HERE = Path(__file__).resolve().parent
MANAGE = HERE.parent.parent / "manage.py"
PASSWORD = "only-for-screenshots"  # noqa: S105 - of a server that lives for a minute
WIDE, PHONE = {"width": 1360, "height": 820}, {"width": 390, "height": 844}
MORNING_HOUR = 10


# A zone in which it is about ten o'clock now; these names count the other way round.
TIME_ZONE = f"Etc/GMT{(datetime.now(UTC).hour - MORNING_HOUR + 12) % 24 - 12:+d}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str) -> None:
    for _ in range(600):
        try:
            with urlopen(url, timeout=1):  # noqa: S310 - our own server
                return
        except (URLError, TimeoutError):
            time.sleep(0.1)
    raise SystemExit(f"no answer from {url}")


@contextmanager
def product(folder: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Run the product on SQLite in `folder`; give its address and its environment."""
    port = free_port()
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {
        "DATA_DIR": folder,
        "PORT": str(port),
        "API_DOCS": "true",
        "TIME_ZONE": TIME_ZONE,
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
    }
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, str(MANAGE), "run"], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/ready")
        yield f"http://127.0.0.1:{port}", environment
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def simulate(environment: dict[str, str], *arguments: str) -> None:
    command = [sys.executable, str(MANAGE), "simulate", *arguments]
    subprocess.run(command, env=environment, check=True)  # noqa: S603 - our own command


def save(page: Page, name: str) -> None:
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        picture.convert("RGB").save(HERE / f"{name}.png", optimize=True)


@contextmanager
def visitor(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(timezone_id=TIME_ZONE, locale="en-GB", **options)
    page = context.new_page()
    page.goto(f"{url}/live")
    page.fill("#id_username", "admin")
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")
    page.wait_for_url("**/live*")
    page.wait_for_selector(".read img:visible")
    page.wait_for_load_state("networkidle")
    yield page
    context.close()


def photograph(browser: Browser, url: str, environment: dict[str, str]) -> None:
    def play() -> None:
        # While the page is open: its counter and its newest rows are real.
        simulate(environment, "--count", "16", "--rate", "4", "--history", "0")
        page.wait_for_timeout(2500)

    with visitor(browser, url, viewport=WIDE, color_scheme="light") as page:
        play()
        save(page, "live")
        page.set_viewport_size({"width": 1360, "height": 930})
        with_tyres(page)
        save(page, "live-detail")
        page.set_viewport_size({"width": 1360, "height": 1500})
        page.goto(f"{url}/admin/sensors/sensorsettings/1/change/")
        page.wait_for_load_state("networkidle")
        save(page, "admin-sensor")
        page.set_viewport_size({"width": 1360, "height": 820})
        edit_zone(page, url)
        save(page, "zone-editor")
    with visitor(browser, url, viewport=WIDE, color_scheme="dark") as page:
        play()
        save(page, "live-dark")
    with visitor(browser, url, viewport=PHONE, device_scale_factor=2, color_scheme="light") as page:
        play()
        save(page, "live-phone")


def edit_zone(page: Page, url: str) -> None:
    """Open a zone in a picture, one of its corners chosen."""
    page.goto(f"{url}/admin/zones/zone/")
    page.get_by_role("link", name="A40 carriageway").click()
    page.wait_for_selector("[data-part=canvas][aria-busy=false]")
    page.locator("[data-part=canvas]").focus()
    page.keyboard.press("n")
    page.locator(".sides").evaluate("sides => sides.scrollIntoView({block: 'center'})")
    page.wait_for_timeout(300)


def with_tyres(page: Page) -> None:
    """Open the newest read that has most to show."""
    rows = page.locator(".read")
    for number in range(min(40, rows.count())):
        rows.nth(number).click()
        if page.locator(".tyres:visible").count() and page.locator(".frame-image:visible").count():
            break
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(600)


def main() -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    flags = ["--no-sandbox", "--force-color-profile=srgb", "--hide-scrollbars"]
    with tempfile.TemporaryDirectory() as folder, product(folder) as (url, environment):
        simulate(environment, "--count", "30", "--rate", "8", "--history", "24")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=flags)
            photograph(browser, url, environment)
            browser.close()


if __name__ == "__main__":
    main()
