"""Takes the pictures of the documentation from the running product: make screenshots.

Starts the embedded product in a folder of its own, plays demo traffic, and photographs each page
with Chromium: light, dark, and on a phone. Names of pages choose some: take.py live search
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from demo import PASSWORD, TIME_ZONE, Demo, running
from pages import SHOTS, Shot
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).resolve().parent
LARGEST_BYTES = 200_000
WIDTH, PHONE = 1360, {"width": 390, "height": 844}
# What follows the page's name, and how the visitor looks at it.
LOOKS: dict[str, dict[str, Any]] = {
    "": {"color_scheme": "light"},
    "-dark": {"color_scheme": "dark"},
    "-phone": {
        "color_scheme": "light",
        "device_scale_factor": 2,
        "viewport": PHONE,
        "is_mobile": True,
        "has_touch": True,
    },
}
FLAGS = ["--no-sandbox", "--force-color-profile=srgb", "--hide-scrollbars"]


def save(page: Page, name: str) -> None:
    """Write the picture, with fewer colours if it would be too large."""
    with Image.open(io.BytesIO(page.screenshot())) as taken:
        picture = taken.convert("RGB")
    data = png(picture)
    for colors in (256, 128, 64):
        if len(data) <= LARGEST_BYTES:
            break
        data = png(
            picture.quantize(colors, Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE)
        )
    (HERE / f"{name}.png").write_bytes(data)
    print(f"{name}.png: {len(data) // 1000} kB", flush=True)  # noqa: T201


def png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


@contextmanager
def visitor(browser: Browser, demo: Demo, look: dict[str, Any]) -> Iterator[Page]:
    context = browser.new_context(timezone_id=TIME_ZONE, locale="en-GB", **look)
    yield context.new_page()
    context.close()


def sign_in(page: Page, demo: Demo) -> None:
    page.goto(f"{demo.url}/login")
    page.fill("#id_username", "admin")
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")
    page.wait_for_url("**/live*")


def photograph(page: Page, shot: Shot, address: str, demo: Demo, name: str) -> None:
    if "phone" not in name:
        page.set_viewport_size({"width": WIDTH, "height": shot.height})
    answer = page.goto(address)
    if answer is None or answer.status != 200:
        raise SystemExit(f"{address}: {answer and answer.status}")
    page.wait_for_load_state("networkidle")
    shot.prepare(page, demo)
    page.wait_for_timeout(600)  # what moves has come to rest
    save(page, name)


def main() -> None:
    wanted = [shot for shot in SHOTS if not sys.argv[1:] or shot.name in sys.argv[1:]]
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, running(folder) as demo:
        token = demo.log_in()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            for suffix, look in LOOKS.items():
                # Those first that need nobody to be signed in.
                with visitor(browser, demo, look) as page:
                    for shot in sorted(wanted, key=lambda shot: shot.is_signed_in):
                        if shot.is_signed_in and len(page.context.cookies()) < 2:
                            sign_in(page, demo)
                        address = shot.address(token, demo)
                        photograph(page, shot, address, demo, shot.name + suffix)
            browser.close()


if __name__ == "__main__":
    main()
