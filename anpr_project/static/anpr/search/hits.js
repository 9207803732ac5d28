// The reads that were found, as rows or as a grid of pictures; arrow keys lead from one to the next.

import * as format from "../reads/format.js";

export class Hits {
  // onOpen(event)
  constructor(list, template, onOpen) {
    this.list = list;
    this.template = template;
    this.onOpen = onOpen;
    this.events = new Map();
    list.addEventListener("click", ({ target }) => this.choose(target.closest("li")));
    list.addEventListener("keydown", (press) => this.move(press));
    list.addEventListener("focusin", ({ target }) => this.makeTabStop(target.closest(".hit")));
  }

  show(events) {
    this.events = new Map(events.map((event) => [event.id, event]));
    this.list.replaceChildren(...events.map((event) => this.item(event)));
    this.makeTabStop(this.list.querySelector(".hit"));
  }

  item(event) {
    const item = this.template.content.firstElementChild.cloneNode(true);
    const part = (name) => item.querySelector(name);
    item.dataset.id = event.id;
    format.fillPlate(part(".plate"), event);
    part(".camera").textContent = format.place(event);
    part(".zone").textContent = event.zone_name || "";
    part(".vehicle-text").textContent = format.vehicleText(event.vehicle);
    part(".swatch").dataset.color = (event.vehicle?.color || "").toLowerCase();
    part(".swatch").title = event.vehicle?.color || "";
    format.fillBar(part(".fill"), event.confidence);
    part(".percent").textContent = format.percent(event.confidence);
    format.fillTime(part("time"), event.captured_at, format.shortTime);
    part(".late").textContent = format.lateness(event);
    this.fillMatch(part(".match"), event.match);
    this.fillCrop(part(".thumb"), event.crop_url);
    return item;
  }

  fillMatch(box, match) {
    if (!match) return;
    box.hidden = false;
    box.querySelector(".score").textContent = format.percent(match.score);
    box.querySelector(".reason").textContent = match.reason;
  }

  fillCrop(box, url) {
    const [image, none] = box.children;
    if (!url) return;
    const show = (isThere) => {
      image.hidden = !isThere;
      none.hidden = isThere;
    };
    image.onerror = () => show(false);
    show(true);
    image.src = url;
  }

  button(id) {
    return this.list.querySelector(`li[data-id="${id}"] .hit`);
  }

  mark(id) {
    this.list.querySelector('.hit[aria-current="true"]')?.removeAttribute("aria-current");
    this.button(id)?.setAttribute("aria-current", "true");
  }

  choose(item) {
    if (item) this.onOpen(this.events.get(Number(item.dataset.id)));
  }

  // How many stand beside each other.
  get columns() {
    const items = [...this.list.children];
    const next = items.findIndex((item) => item.offsetTop > items[0].offsetTop);
    return next < 0 ? items.length : next;
  }

  move(press) {
    if (press.altKey || press.ctrlKey || press.metaKey) return;
    const items = [...this.list.children];
    const at = items.indexOf(press.target.closest("li"));
    const steps = { ArrowDown: this.columns, ArrowUp: -this.columns, ArrowRight: 1, ArrowLeft: -1 };
    const goals = { Home: 0, End: items.length - 1 };
    const goal = items[goals[press.key] ?? at + steps[press.key]];
    if (at < 0 || !goal) return;
    press.preventDefault();
    goal.querySelector(".hit").focus();
  }

  // One is reached with Tab; the arrow keys go to the others.
  makeTabStop(button) {
    if (!button) return;
    for (const other of this.list.querySelectorAll('.hit[tabindex="0"]')) other.tabIndex = -1;
    button.tabIndex = 0;
  }
}
