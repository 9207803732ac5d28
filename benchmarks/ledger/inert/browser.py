"""A real browser that notices whatever a text does on a page."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ledger.inert.corpus import MADE_BY_A_TEMPLATE

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Dialog, Page, Route

# In every frame, before anything of the page: what the texts would call, and breaches of the policy.
HOOK = """
window.inert = (number) => { inertNoticed("ran", String(number)); };
document.addEventListener("securitypolicyviolation", (breach) => {
  inertNoticed("breach", `${breach.effectiveDirective} ${breach.blockedURI} ${breach.sample}`);
});
"""
# Elements that nobody but a text can have made, in shadow trees too.
FOREIGN = """() => {
  const found = [];
  const isForeign = ({ name, value }) =>
    name === "data-inert" || (/^(on|x-|hx-|srcdoc$)/.test(name) && value.includes("inert")) ||
    (/^(href|src|action|content)$/.test(name) &&
      (/^\\s*(javascript|vbscript|data:text)/i.test(value) || /^(https?:)?\\/\\/inert\\.invalid/.test(value)));
  const look = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if ([...element.attributes].some(isForeign)) found.push(element.outerHTML.slice(0, 200));
      if (element.localName === "script" && element.text.includes("inert(")) found.push(element.text.slice(0, 200));
      if (element.shadowRoot) look(element.shadowRoot);
    }
  };
  look(document);
  return found;
}"""
# All that a page says: text, values of fields, and what shows when one points at something.
SAID = """() => [
  document.documentElement.textContent,
  ...[...document.querySelectorAll("input, textarea")].map((field) => field.value),
  ...[...document.querySelectorAll("[title], [aria-label], [alt]")].flatMap((element) =>
    ["title", "aria-label", "alt"].map((name) => element.getAttribute(name) || "")),
  document.title,
].join("\\n")"""


@dataclass
class Noticed:
    """What must not happen, by kind; and how many pages were looked at."""

    ran: list[str] = field(default_factory=list)
    breach: list[str] = field(default_factory=list)
    markup: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    computed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    pages: int = 0
    seen: int = 0


class Viewer:
    """One signed-in tab, and what was noticed in it."""

    def __init__(self, page: Page, url: str, noticed: Noticed) -> None:
        self.page, self.url, self.noticed = page, url, noticed

    def visit(self, path: str, *texts: str, wait_for: str = "") -> str:
        """Open the page; the texts have to be on it, each whole. Return all that it says."""
        answer = self.page.goto(self.url + path)
        if wait_for:
            self.page.wait_for_selector(wait_for, state="attached")
        said = self.examine(path, *texts)
        arrived = urlsplit(answer.url if answer else self.url + path).path
        if urlsplit(self.page.url).path != arrived:
            self.noticed.left.append(f"{path}: now at {self.page.url}")
        return said

    def examine(self, where: str, *texts: str) -> str:
        self.noticed.pages += 1
        self.noticed.markup += [f"{where}: {one}" for one in self.page.evaluate(FOREIGN)]
        said = str(self.page.evaluate(SAID))
        if MADE_BY_A_TEMPLATE in said:
            self.noticed.computed.append(where)
        self.demand(where, said, texts)
        return said

    def demand(self, where: str, said: str, texts: Iterable[str]) -> None:
        for text in texts:
            self.noticed.seen += 1
            if text not in said:
                self.noticed.unseen.append(f"{where}: {text!a}")


def _listen(context: BrowserContext, tab: Viewer) -> None:
    def note(source: Any, kind: str, what: str) -> None:
        getattr(tab.noticed, kind).append(f"{source['page'].url}: {what}")

    def spoke(message: Any) -> None:
        # A page, or what a page asked with the text, that says 400 or 404.
        is_refusal = "responded with a status of 4" in message.text
        if is_refusal and message.location["url"].startswith(tab.url):
            return
        is_breach = "Content Security Policy" in message.text
        found = tab.noticed.breach if is_breach else tab.noticed.console
        found.append(f"{message.page.url}: {message.text}")

    def asked(route: Route) -> None:
        tab.noticed.asked.append(route.request.url)
        route.fulfill(status=204)

    def opened(dialog: Dialog) -> None:
        tab.noticed.ran.append(dialog.message)
        dialog.dismiss()

    context.expose_binding("inertNoticed", note)
    context.add_init_script(HOOK)
    context.on("console", spoke)
    context.on("weberror", lambda error: tab.noticed.console.append(str(error.error)))
    context.on("dialog", opened)
    context.route(lambda address: not address.startswith((tab.url, "data:", "blob:")), asked)


@contextmanager
def viewer(url: str, password: str) -> Iterator[Viewer]:
    """A browser with one tab, signed in as the administrator."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = chromium.new_context(viewport={"width": 1440, "height": 900})
        context.set_default_timeout(300_000)
        page = context.new_page()
        tab = Viewer(page, url, Noticed())
        _listen(context, tab)
        page.goto(f"{url}/live")
        page.fill("#id_username", "admin")
        page.fill("#id_password", password)
        page.press("#id_password", "Enter")
        page.wait_for_url("**/live*")
        yield tab
        chromium.close()
