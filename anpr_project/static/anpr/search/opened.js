// The read beside the results. The address names it (#read-4711), so that it can be shared too.

import * as around from "../reads/around.js";
import * as detail from "../reads/detail.js";

const find = (id) => document.getElementById(id);
const wide = matchMedia("(min-width: 1100px)");
const named = () => Number(/^#read-(\d+)$/.exec(location.hash)?.[1]) || null;

export class Opened {
  // onPlate(plate): all reads of it are asked for
  constructor(hits, onPlate) {
    this.hits = hits;
    this.onPlate = onPlate;
    this.event = null;
    this.request = new AbortController();
    find("detail-close").addEventListener("click", () => this.close());
    addEventListener("keydown", ({ key }) => key === "Escape" && this.close());
    wide.addEventListener("change", () => this.cover());
  }

  open(event) {
    // On a narrow screen it covers the results, and Back is how one leaves it there.
    const isNew = !this.event && !wide.matches && named() !== event.id;
    history[isNew ? "pushState" : "replaceState"]({ isOpened: isNew }, "", `#read-${event.id}`);
    this.show(event);
  }

  show(event) {
    this.request.abort();
    this.request = new AbortController();
    this.event = event;
    this.hits.mark(event.id);
    detail.show(find("detail-body"), find("detail-template"), event, this.onPlate);
    around.show(find("detail-body"), event, this.request.signal, (other) => this.open(other)).catch(() => {});
    document.body.classList.add("has-selection");
    find("detail").scrollTop = 0;
    this.cover();
    if (!wide.matches) find("detail-close").focus();
  }

  close() {
    if (!this.event) return;
    if (history.state?.isOpened) history.back();
    else {
      history.replaceState(null, "", location.pathname + location.search);
      this.hide();
    }
  }

  hide() {
    if (!this.event) return;
    const button = this.hits.button(this.event.id);
    this.request.abort();
    this.event = null;
    document.body.classList.remove("has-selection");
    this.hits.mark(null);
    this.cover();
    (button || find("hits")).focus();
  }

  // What is covered must not be reachable behind it.
  cover() {
    for (const part of [find("main"), find("bar")]) part.inert = Boolean(this.event) && !wide.matches;
  }

  // Show the read that the address names, wherever in the results it is; none if it names none.
  async follow() {
    const id = named();
    if (!id) return this.hide();
    const known = this.hits.events.get(id);
    if (known) return this.show(known);
    const response = await fetch(`/api/v1/events/${id}`, { headers: { Accept: "application/json" } });
    if (response.ok && named() === id) this.show(await response.json());
    else this.hide();
  }
}
