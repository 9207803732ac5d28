// Which plates the viewer wants to be told of; kept in this browser, the same in all its tabs.

import { fold, isLike, normalize, saysSomething } from "./plates.js";

const KEY = "watch";
const MOST = 100;
const EMPTY = { patterns: [], lookAlikes: false, sound: true, notice: false };

export class WatchList {
  // onChange() is called after every change, also by another tab
  constructor(onChange) {
    this.onChange = onChange;
    this.read();
    addEventListener("storage", ({ key }) => {
      if (key !== KEY && key !== null) return;
      this.read();
      onChange();
    });
  }

  read() {
    let kept = null;
    try {
      kept = JSON.parse(localStorage.getItem(KEY));
    } catch {
      // What cannot be read is as good as nothing.
    }
    this.options = { ...EMPTY, ...kept };
    if (!Array.isArray(this.options.patterns)) this.options.patterns = [];
    this.prepare();
  }

  change(options) {
    Object.assign(this.options, options);
    localStorage.setItem(KEY, JSON.stringify(this.options));
    this.prepare();
    this.onChange();
  }

  // Folded once, not for each read.
  prepare() {
    const { patterns, lookAlikes } = this.options;
    this.compared = lookAlikes ? patterns.map(fold) : patterns;
  }

  get patterns() {
    return this.options.patterns;
  }

  // Whether there was a plate in the text.
  add(text) {
    const pattern = normalize(text);
    if (!saysSomething(pattern)) return false;
    const others = this.patterns.filter((other) => other !== pattern);
    this.change({ patterns: [...others, pattern].slice(-MOST) });
    return true;
  }

  remove(pattern) {
    this.change({ patterns: this.patterns.filter((other) => other !== pattern) });
  }

  // The pattern that the read fits, or undefined; look-alikes include the reader's own other readings.
  match(event) {
    if (!this.compared.length) return undefined;
    const { lookAlikes, patterns } = this.options;
    const readings = [event.plate_normalized];
    if (lookAlikes) readings.push(...event.candidates.map(({ plate }) => normalize(plate)));
    const texts = lookAlikes ? readings.map(fold) : readings;
    return patterns[this.compared.findIndex((pattern) => texts.some((text) => isLike(text, pattern)))];
  }
}
