// The watched plates that were read: on top of the page until they are put away.

import * as format from "../reads/format.js";
import { filled } from "../base/words.js";

const MOST = 5;

export class Sightings {
  constructor(list, template, onOpen) {
    this.list = list;
    this.template = template;
    this.onOpen = onOpen;
  }

  add(event, pattern) {
    const item = this.template.content.firstElementChild.cloneNode(true);
    const part = (name) => item.querySelector(name);
    format.fillPlate(part(".plate"), event);
    part(".sighting-place").textContent = format.place(event);
    format.fillTime(part("time"), event.captured_at, format.shortTime);
    // Said only when it is not plain to see why this plate was meant.
    const isPlain = pattern === event.plate_normalized;
    part(".sighting-why").textContent = isPlain ? "" : filled(gettext("watched as %(pattern)s"), { pattern });
    part(".sighting-open").addEventListener("click", () => this.onOpen(event));
    part(".sighting-close").addEventListener("click", () => this.remove(item));
    this.list.prepend(item);
    while (this.list.children.length > MOST) this.list.lastElementChild.remove();
    this.list.hidden = false;
  }

  remove(item) {
    const next = item.nextElementSibling || item.previousElementSibling;
    item.remove();
    this.list.hidden = !this.list.children.length;
    (next?.querySelector(".sighting-close") || document.getElementById("reads")).focus();
  }
}
