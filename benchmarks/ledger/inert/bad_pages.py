"""Pages that are not inert, each in one way: the browser must notice exactly that."""

from __future__ import annotations

from collections.abc import Callable

from ledger.inert.browser import Noticed, Viewer
from ledger.inert.corpus import MADE_BY_A_TEMPLATE, OTHER_HOST

Deed = Callable[[Viewer], None]


def _page(body: str, policy: str = "") -> Deed:
    """Let the server's answer be replaced."""

    def do(tab: Viewer) -> None:
        headers = {"Content-Security-Policy": policy} if policy else {}
        tab.page.route(
            "**/inert-control",
            lambda route: route.fulfill(body=body, content_type="text/html", headers=headers),
        )
        tab.page.goto(f"{tab.url}/inert-control")
        tab.page.wait_for_timeout(200)
        tab.examine("control")
        tab.page.unroute("**/inert-control")

    return do


def _elsewhere(tab: Viewer) -> None:
    tab.page.route(
        "**/inert-control",
        lambda route: route.fulfill(
            body="<script>history.pushState(0,'','/x')</script>", content_type="text/html"
        ),
    )
    tab.visit("/inert-control")
    tab.page.unroute("**/inert-control")


BAD_PAGES: dict[str, Deed] = {
    # Not the words that are looked for in the markup.
    "ran": _page("<p><script>window['in' + 'ert'](1)</script>"),
    "breach": _page("<script>1</script>", "script-src 'self'"),
    "markup": _page("<b data-inert=1>x</b>"),
    "console": _page("<script>console.error('x')</script>"),
    "asked": _page(f"<p><script>new Image().src = '//{OTHER_HOST}/1'</script>"),
    "left": _elsewhere,
    "computed": _page(f"<p>{MADE_BY_A_TEMPLATE}"),
    "unseen": lambda tab: tab.demand("control", "", ["a text that is not there"]),
}


def noticed_on_bad_pages(tab: Viewer) -> dict[str, Noticed]:
    """Open each; return what was noticed on it alone."""
    found, whole = dict[str, Noticed](), tab.noticed
    for name, deed in BAD_PAGES.items():
        tab.noticed = found[name] = Noticed()
        deed(tab)
    tab.noticed = whole
    return found
