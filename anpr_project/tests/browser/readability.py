"""What axe finds on a page that hinders who sees little, hears the page, or has only keys."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = ("serious", "critical")
LOOKS: list[tuple[Any, Any]] = [
    ({"width": 1360, "height": 900}, "light"),
    ({"width": 390, "height": 844}, "dark"),
]
axe = Axe()


def findings(page: Page) -> list[str]:
    """What axe finds grave in either look, one line for each element."""
    found = []
    for size, scheme in LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        # The admin asks for the scheme only when it loads.
        page.evaluate(f"document.documentElement.classList.toggle('dark', {scheme == 'dark':d})")
        page.wait_for_function("document.getAnimations().every(one => one.playState !== 'running')")
        options = {"resultTypes": ["violations"]}
        answer = axe.run(page, options=options).response
        found += [
            f"{scheme} {page.url}: {finding['id']}: {node['html'][:200]} {node['failureSummary']}"
            for finding in answer["violations"]
            if finding["impact"] in GRAVE
            for node in finding["nodes"]
        ]
    return found
