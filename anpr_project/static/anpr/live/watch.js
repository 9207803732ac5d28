// Watches for chosen plates on all cameras, whatever the list is filtered by.

import { Stream } from "../reads/stream.js";
import * as alarm from "./alarm.js";
import { Sightings } from "./sightings.js";
import { openDialog } from "./watch_dialog.js";
import { WatchList } from "./watch_list.js";

const MISSED_PER_PATTERN = 5;
const find = (id) => document.getElementById(id);

export class Watch {
  // onOpen(event): the viewer wants to see that read; onChange(): other plates are watched now
  constructor(onOpen, onChange) {
    this.onOpen = onOpen;
    this.onChange = onChange;
    this.list = new WatchList(() => this.changed());
    this.sightings = new Sightings(find("sightings"), find("sighting-template"), onOpen);
    // A stream of its own: a filter of the list, or another one, must not make it miss a read.
    this.stream = new Stream({ event: (event) => this.look(event), gap: () => this.lookBack() });
    this.newest = null;
    find("watch").addEventListener("click", () => openDialog(this.list));
    for (const touch of ["pointerdown", "keydown"]) addEventListener(touch, () => this.touched());
    this.changed();
  }

  isWatched(event) {
    return this.list.match(event) !== undefined;
  }

  changed() {
    const count = this.list.patterns.length;
    find("watch-count").textContent = count || "";
    if (!count) this.stream.close();
    else if (!this.stream.parameters) this.stream.open({});
    this.onChange();
  }

  // The browser lets a page sound only after it was touched, anew after each load.
  touched() {
    if (this.list.patterns.length && this.list.options.sound && !alarm.isAwake()) alarm.wake();
  }

  look(event) {
    if (!this.newest || event.received_at > this.newest) this.newest = event.received_at;
    const pattern = this.list.match(event);
    if (pattern === undefined) return;
    this.sightings.add(event, pattern);
    if (this.list.options.sound) alarm.ring();
    if (this.list.options.notice) alarm.notify(event, this.onOpen);
  }

  // After an absence too long to be streamed: ask for each plate alone.
  async lookBack() {
    const since = this.newest;
    const found = new Map();
    for (const plate of since ? this.list.patterns : []) {
      const query = new URLSearchParams({ plate, received_after: since, limit: MISSED_PER_PATTERN });
      const response = await fetch(`/api/v1/events?${query}`).catch(() => null);
      if (!response?.ok) continue;
      for (const event of (await response.json()).results) found.set(event.id, event);
    }
    for (const event of [...found.values()].sort((one, other) => one.id - other.id)) this.look(event);
  }
}
