// The list: newest on top, never more than MAX_ROWS rows in the page however many reads come.

import * as format from "../reads/format.js";

const MAX_ROWS = 200;
const BATCH_MS = 80;

export class Feed {
  constructor(list, template, onSelect) {
    this.list = list;
    this.template = template;
    this.onSelect = onSelect;
    this.events = new Map();
    this.seen = new Set();
    this.waiting = [];
    this.held = 0;
    this.isPaused = false;
    list.addEventListener("click", ({ target }) => this.choose(target.closest("li")));
    list.addEventListener("keydown", (press) => this.move(press));
    list.addEventListener("focusin", ({ target }) => this.makeTabStop(target.closest(".read")));
  }

  clear() {
    this.events.clear();
    this.seen.clear();
    this.waiting = [];
    this.held = 0;
    this.list.replaceChildren();
  }

  get isEmpty() {
    return this.events.size === 0 && this.waiting.length === 0;
  }

  // Put older reads, newest first, below those that came meanwhile: what the page starts with.
  fill(events) {
    const unknown = events.filter(({ id }) => !this.seen.has(id));
    for (const { id } of unknown) this.seen.add(id);
    this.list.append(...unknown.map((event) => this.row(event)));
    this.tidy();
  }

  // Take one new read; rows are made a few times a second, not once for each read.
  add(event) {
    if (!this.remember(event)) return;
    if (this.isPaused) {
      this.held += 1;
      return;
    }
    this.timer ??= setTimeout(() => this.flush(), BATCH_MS);
  }

  remember(event) {
    if (this.seen.has(event.id)) return false;
    this.seen.add(event.id);
    this.waiting.push(event);
    if (this.waiting.length > MAX_ROWS) this.seen.delete(this.waiting.shift().id);
    return true;
  }

  pause(isPaused) {
    this.isPaused = isPaused;
    if (!isPaused) this.flush();
  }

  flush() {
    clearTimeout(this.timer);
    this.timer = null;
    this.held = 0;
    const rows = this.waiting.map((event) => this.row(event)).reverse();
    this.waiting = [];
    for (const row of rows) row.classList.add("new");
    this.list.prepend(...rows);
    this.tidy();
  }

  tidy() {
    const focused = this.list.contains(document.activeElement) ? document.activeElement : null;
    while (this.list.children.length > MAX_ROWS) this.removeLast(focused);
    if (!this.list.querySelector('.read[tabindex="0"]')) {
      this.makeTabStop(this.list.querySelector(".read"));
    }
    if (this.list.children.length) this.list.dispatchEvent(new Event("shown"));
  }

  removeLast(focused) {
    const last = this.list.lastElementChild;
    // Who was on the row that goes is put on the one before it, not back to the top of the page.
    if (focused && last.contains(focused)) last.previousElementSibling.querySelector(".read").focus();
    this.events.delete(Number(last.dataset.id));
    this.seen.delete(Number(last.dataset.id));
    last.remove();
  }

  row(event) {
    const item = this.template.content.firstElementChild.cloneNode(true);
    const part = (name) => item.querySelector(name);
    this.events.set(event.id, event);
    item.dataset.id = event.id;
    part(".read").tabIndex = -1;
    format.fillPlate(part(".plate"), event);
    part(".camera").textContent = event.camera_name || event.sensor_name;
    part(".zone").textContent = event.zone_name || "";
    part(".vehicle-text").textContent = format.vehicleText(event.vehicle);
    part(".swatch").dataset.color = (event.vehicle?.color || "").toLowerCase();
    part(".swatch").title = event.vehicle?.color || "";
    format.fillBar(part(".fill"), event.confidence);
    part(".percent").textContent = format.percent(event.confidence);
    const time = part("time");
    time.dateTime = event.captured_at;
    time.title = format.utc(event.captured_at);
    time.textContent = format.shortTime(event.captured_at);
    part(".late").textContent = format.lateness(event);
    if (event.crop_url) {
      part("img").src = event.crop_url;
      part("img").hidden = false;
    }
    return item;
  }

  choose(item) {
    if (item) this.onSelect(this.events.get(Number(item.dataset.id)));
  }

  mark(id) {
    this.list.querySelector('.read[aria-current="true"]')?.removeAttribute("aria-current");
    this.button(id)?.setAttribute("aria-current", "true");
  }

  button(id) {
    return this.list.querySelector(`li[data-id="${id}"] .read`);
  }

  newest() {
    return this.events.get(Number(this.list.firstElementChild?.dataset.id));
  }

  move(press) {
    const item = press.target.closest("li");
    const goals = {
      Home: this.list.firstElementChild,
      End: this.list.lastElementChild,
      ArrowDown: item?.nextElementSibling,
      ArrowUp: item?.previousElementSibling,
    };
    const goal = goals[press.key];
    if (!goal || press.altKey || press.ctrlKey || press.metaKey) return;
    press.preventDefault();
    goal.querySelector(".read").focus();
  }

  // One row at a time is reached with Tab; the arrow keys go from row to row.
  makeTabStop(button) {
    if (!button) return;
    for (const other of this.list.querySelectorAll('.read[tabindex="0"]')) other.tabIndex = -1;
    button.tabIndex = 0;
  }
}
