"""Which pages are opened with the texts: lists, change pages, the live page, searches, refusals."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

from ledger.inert.browser import Viewer
from ledger.inert.corpus import Hostile
from ledger.inert.doors import Doors, Placed, file_of_cameras, quoted

# Of each kind of text: the list in which it stands, and whether its page is in a form.
PLACES = {
    "zone": "zones/zone",
    "camera": "cameras/camera",
    "model": "models_cfg/modelconfig",
    "sensor": "sensors/sensorsettings",
    "hold": "events/legalhold",
    "exporter": "exporters/exporterconfig",
    "plate": "events/plateevent",
}
# Texts of these stand on no list, but on a page of their own.
INSIDE = {"header": "exporters/exporterconfig", "key label": "sensors/sensorsettings"}
LISTS = (
    *("audit/auditentry", "exporters/delivery", "exporters/deliveryattempt", "axes/accessattempt"),
    *("auth/user", "knox/authtoken"),
)
PAGES = ("/account", "/admin/", "/live", "/search", "/statistics")
OF_EVENT = ("plate", "vehicle", "region", "candidate")
# What they are asked with comes back in a form, a message or a link.
ECHOES = (
    "/login?next={}",
    "/reason?next={}",
    "/live?camera={}&plate={}",
    "/search?similar={}",
    "/search?camera={}&vehicle_make={}",
    "/statistics?zone={}",
    "/admin/cameras/camera/?q={}",
    "/admin/cameras/camera/?{}=1",
    "/admin/events/plateevent/?plate={}",
    "/admin/search/?s={}",
    "/admin/{}/",
    "/admin/zones/zone/{}/change/",
    "/{}",
    "/docs?url={}",
)
NEXT = """(number) => [...document.querySelectorAll("a[href]")].some(
  (link) => new URL(link.href, "http://x").searchParams.get("p") === String(number))"""
ALL_THERE = """(texts) => texts.every(
  (text) => document.getElementById("reads").textContent.includes(text))"""
MOST_PAGES, PAGES_OF_A_LOG = 100, 4


def whole_list(tab: Viewer, place: str, most: int = MOST_PAGES) -> str:
    """Open the list, page by page; return what it says."""
    said = [tab.visit(f"/admin/{place}/")]
    while len(said) < most and tab.page.evaluate(NEXT, len(said) + 1):
        said.append(tab.visit(f"/admin/{place}/?p={len(said) + 1}"))
    return "\n".join(said)


def lists(tab: Viewer, doors: Doors, every: int) -> None:
    """Open the lists, or one of so many; each text has to be whole on that of its kind."""
    for kind, place in [*PLACES.items()][::every]:
        said = whole_list(tab, place)
        for one in doors.of(kind):
            tab.demand(f"list of {place}", said, one.texts[:1])
    for place in LISTS[::every]:
        whole_list(tab, place, PAGES_OF_A_LOG)
    for path in PAGES[::every]:
        tab.visit(path)


def change_pages(tab: Viewer, doors: Doors, corpus: list[Hostile]) -> None:
    """Open of each text one of the pages on which it can be changed, with its history."""
    places = PLACES | INSIDE
    by_text: dict[int, list[Placed]] = {}
    for one in doors.placed:
        if one.kind in places:
            by_text.setdefault(one.hostile.number, []).append(one)
    for index, hostile in enumerate(corpus):
        if not (found := by_text.get(hostile.number)):
            continue
        one = found[index % len(found)]
        path = f"/admin/{places[one.kind]}/{one.pk}/"
        tab.visit(f"{path}change/", *(() if one.kind in INSIDE else one.texts[:1]))
        if index % 10 == 0:
            tab.visit(f"{path}history/")
            tab.visit(f"{path}delete/")


def reads(tab: Viewer, doors: Doors, corpus: list[Hostile]) -> None:
    """Open of each text one event on its own page."""
    by_text: dict[int, list[Placed]] = {}
    for one in doors.placed:
        if one.kind in OF_EVENT:
            by_text.setdefault(one.hostile.number, []).append(one)
    for index, hostile in enumerate(corpus):
        if found := by_text.get(hostile.number):
            one = found[index % len(found)]
            # A region stands on the plate in capitals, as on the real one.
            texts = [text.upper() if one.kind == "region" else text for text in one.texts]
            tab.visit(f"/events/{one.pk}", *texts, wait_for=".facts dd")


def searches(tab: Viewer, corpus: list[Hostile]) -> None:
    """Search for every other text, and open the first that is found."""
    for hostile in corpus[::2]:
        tab.visit(
            f"/search?plate={quoted(hostile.text)}",
            wait_for="#hits:not([aria-busy=true])",
        )
        # A text without letter or digit is found by nothing.
        if (hit := tab.page.locator(".hit").first).is_visible():
            hit.click()
            tab.page.wait_for_selector("#detail-body .facts")
            tab.examine(f"search for {hostile.text!a}")


def echoes(tab: Viewer, corpus: list[Hostile]) -> None:
    for index, hostile in enumerate(corpus):
        tab.visit(ECHOES[index % len(ECHOES)].replace("{}", quoted(hostile.text)))


def data_subjects(tab: Viewer, doors: Doors, every: int) -> None:
    """Ask what is kept about some of the plates, with the text for a reason as well."""
    for one in doors.of("plate")[::every]:
        tab.visit("/admin/data-subject/")
        tab.page.fill("#id_plate", one.texts[0])
        tab.page.fill("#id_also", one.hostile.word)
        tab.page.fill("#id_reason", one.texts[0])
        tab.page.press("#id_reason", "Enter")
        tab.page.wait_for_load_state()
        tab.examine("/admin/data-subject/", one.texts[0])


def imports(tab: Viewer, corpus: list[Hostile]) -> None:
    """Choose a file whose cells and whose name are the texts; see what it would change."""
    for start in range(0, len(corpus), 100):
        part = corpus[start : start + 100]
        name = re.sub(r"[\0/\\\r\n\"\ud800-\udfff]", "_", part[0].text)[:80]
        tab.visit("/admin/cameras/camera/import/")
        tab.page.set_input_files(
            "input[type=file]",
            {"name": f"{name}.csv", "mimeType": "text/csv", "buffer": file_of_cameras(part)},
        )
        tab.page.click(".console-upload button[type=submit]")
        tab.page.wait_for_selector("#preview, [role=alert], .errorlist", state="attached")
        tab.examine("/admin/cameras/camera/import/")


def live(tab: Viewer, plates: list[str], send: Callable[[list[str]], None]) -> None:
    """Have the live page open while the plates come in, so many at a time as it shows."""
    for start in range(0, len(plates), 25):
        part = plates[start : start + 25]
        tab.visit("/live", wait_for="#state[data-state=live]")
        send(part)
        with suppress(Exception):  # what is missing is told below
            tab.page.wait_for_function(ALL_THERE, arg=part, timeout=20_000)
        tab.examine("/live", *part)
