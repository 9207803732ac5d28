// The list: newest on top, never more than MAX_ROWS rows in the page however many reads come.

import { Crops } from "./crops.js";
import { Row } from "./row.js";
import { Throttle } from "./throttle.js";

const MAX_ROWS = 200;
// Each change of the list moves all that is in view: the browser paints it anew.
const PAINT_MS = 250;
// So long after the pointer's last move over the list it stays as it is: who aims at a read must be able to hit it.
const AIM_MS = 1000;
// More at once than this are not tinted as new: nobody could follow, and each tint is painted for two seconds.
const CALM = 2;

export class Feed {
  // onSelect(event), isWatched(event)
  constructor(list, template, { onSelect, isWatched }) {
    this.list = list;
    this.template = template;
    this.onSelect = onSelect;
    this.isWatched = isWatched;
    this.painting = new Throttle(() => this.paint(), PAINT_MS);
    this.crops = new Crops(() => this.painting.ask());
    this.rows = []; // newest first, as in the page
    this.seen = new Set();
    this.waiting = [];
    this.held = 0;
    this.isPaused = false;
    this.marked = null;
    this.aimedAt = -Infinity;
    for (const kind of ["pointermove", "pointerdown"]) list.addEventListener(kind, () => (this.aimedAt = performance.now()));
    list.addEventListener("click", ({ target }) => this.choose(target.closest("li")));
    list.addEventListener("keydown", (press) => this.move(press));
    list.addEventListener("focusin", ({ target }) => this.makeTabStop(target.closest("li").row));
  }

  clear() {
    for (const row of this.rows) this.crops.observer.unobserve(row.item);
    this.rows = [];
    this.seen.clear();
    this.waiting = [];
    this.held = 0;
    this.tabStop = null;
    this.list.replaceChildren();
  }

  get isEmpty() {
    return this.rows.length === 0 && this.waiting.length === 0;
  }

  // Put older reads, newest first, below those that came meanwhile: what the page starts with.
  fill(events) {
    const unknown = events.filter(({ id }) => !this.seen.has(id));
    for (const event of unknown.slice(0, MAX_ROWS - this.rows.length)) {
      this.seen.add(event.id);
      const row = this.write(this.newRow(), event);
      this.rows.push(row);
      this.list.append(row.item);
    }
    this.tidy();
  }

  // Take one new read; rows are written a few times a second, not once for each read.
  add(event) {
    if (!this.remember(event)) return;
    if (this.isPaused) this.held += 1;
    else this.painting.ask();
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

  paint() {
    this.crops.reveal();
    if (this.isPaused) return;
    if (performance.now() - this.aimedAt < AIM_MS) this.painting.ask();
    else this.flush();
  }

  flush() {
    this.held = 0;
    const events = this.waiting;
    this.waiting = [];
    const fresh = document.createDocumentFragment();
    for (const event of events) {
      const row = this.write(this.rows.length < MAX_ROWS ? this.newRow() : this.oldestRow(), event);
      row.item.classList.toggle("new", events.length <= CALM);
      this.rows.unshift(row);
      fresh.prepend(row.item);
    }
    this.list.prepend(fresh);
    this.crops.next();
    this.tidy();
  }

  newRow() {
    const row = new Row(this.template);
    this.crops.observe(row);
    return row;
  }

  // Take the last row out, to be used again.
  oldestRow() {
    const row = this.rows.pop();
    // Who was on the row that goes is put on the one before it, not back to the top of the page.
    if (row.item.contains(document.activeElement)) this.rows.at(-1).button.focus();
    this.seen.delete(row.event.id);
    if (this.tabStop === row) this.tabStop = null;
    row.button.tabIndex = -1;
    row.item.remove();
    return row;
  }

  write(row, event) {
    row.show(event, this.isWatched(event));
    row.mark(event.id === this.marked);
    this.crops.renew(row);
    return row;
  }

  tidy() {
    if (!this.rows.length) return;
    if (!this.tabStop) this.makeTabStop(this.rows[0]);
    this.list.dispatchEvent(new Event("shown"));
  }

  choose(item) {
    if (item) this.onSelect(item.row.event);
  }

  mark(id) {
    this.row(this.marked)?.mark(false);
    this.marked = id;
    this.row(id)?.mark(true);
  }

  markWatched() {
    for (const row of this.rows) row.showWatched(this.isWatched(row.event));
  }

  row(id) {
    return this.rows.find(({ event }) => event.id === id);
  }

  newest() {
    return this.rows[0]?.event;
  }

  move(press) {
    const at = this.rows.indexOf(press.target.closest("li").row);
    const goals = { Home: 0, End: this.rows.length - 1, ArrowDown: at + 1, ArrowUp: at - 1 };
    const goal = this.rows[goals[press.key]];
    if (!goal || press.altKey || press.ctrlKey || press.metaKey) return;
    press.preventDefault();
    goal.button.focus();
  }

  // One row at a time is reached with Tab; the arrow keys go from row to row.
  makeTabStop(row) {
    if (this.tabStop) this.tabStop.button.tabIndex = -1;
    this.tabStop = row;
    row.button.tabIndex = 0;
  }
}
