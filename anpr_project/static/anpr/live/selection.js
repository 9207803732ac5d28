// The read beside the list: the one that was opened; else, on a wide screen, the newest.

import * as around from "../reads/around.js";
import * as detail from "../reads/detail.js";

const FOLLOW_MS = 1500;
const find = (id) => document.getElementById(id);
const wide = matchMedia("(min-width: 1100px)");

export class Selection {
  // onPlate(plate): all reads of it are asked for
  constructor(feed, onPlate) {
    this.feed = feed;
    this.onPlate = onPlate;
    this.selected = null;
    this.followTimer = null;
    this.request = new AbortController();
    find("detail-close").addEventListener("click", () => this.close());
    addEventListener("keydown", (press) => {
      if (press.key === "Escape" && !document.querySelector("dialog[open]")) this.close();
    });
    document.addEventListener("visibilitychange", () => this.follow());
    wide.addEventListener("change", () => {
      this.hideBehind(Boolean(this.selected) && !wide.matches);
      this.follow();
    });
  }

  show(event, mode) {
    this.request.abort();
    this.request = new AbortController();
    find("detail-mode").textContent = mode;
    detail.show(find("detail-body"), find("detail-template"), event, this.onPlate);
  }

  open(event) {
    this.selected = event;
    this.feed.mark(event.id);
    this.show(event, gettext("Selected read"));
    around.show(find("detail-body"), event, this.request.signal, (other) => this.open(other)).catch(() => {});
    document.body.classList.add("has-selection");
    find("detail").scrollTop = 0;
    // On a narrow screen the read covers the list, which then must not be reachable behind it.
    if (wide.matches) return;
    this.hideBehind(true);
    find("detail-close").focus();
  }

  close() {
    if (!this.selected) return;
    const row = this.feed.row(this.selected.id);
    this.selected = null;
    this.request.abort();
    this.hideBehind(false);
    document.body.classList.remove("has-selection");
    this.feed.mark(null);
    (row?.button || find("reads")).focus();
    this.follow();
  }

  hideBehind(isHidden) {
    for (const part of [find("main"), find("bar")]) part.inert = isHidden;
  }

  // The newest read is shown while none is selected; its picture is loaded calmly.
  follow() {
    if (this.selected || !wide.matches || this.followTimer || document.hidden) return;
    const newest = this.feed.newest();
    if (newest) this.show(newest, gettext("Newest read"));
    this.followTimer = setTimeout(() => {
      this.followTimer = null;
      if (newest !== this.feed.newest()) this.follow();
    }, FOLLOW_MS);
  }
}
