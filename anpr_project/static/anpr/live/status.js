// How the page is doing: connected or not, how many reads a minute, and a word for screen readers.

import { filled } from "../base/words.js";
import * as format from "../reads/format.js";

const ANNOUNCE_MS = 5000;
const MINUTE_S = 60;
const STATES = {
  connecting: gettext("Connecting …"),
  live: gettext("Live"),
  waiting: gettext("Connection lost, trying again …"),
  offline: gettext("No network"),
  refused: gettext("Filter refused"),
  login: gettext("Logged out"),
  forbidden: gettext("No right to see reads"),
};
const find = (id) => document.getElementById(id);

export function showState(state, delay) {
  const seconds = delay ? Math.max(1, Math.round(delay / 1000)) : 0;
  find("state").dataset.state = state;
  find("state-text").textContent = STATES[state];
  find("state").title = seconds ? filled(gettext("next attempt in %(count)s s"), { count: seconds }) : "";
  if (state !== "login") return;
  const login = new URL(document.body.dataset.login, location.href);
  login.searchParams.set("next", location.pathname + location.search);
  location.assign(login);
}

export function showProblem(text) {
  find("problem").textContent = text;
  find("problem").hidden = !text;
}

// Counts reads by the second, so that a minute of them is sixty numbers however many came.
export class Pace {
  constructor(feed) {
    this.feed = feed;
    this.seconds = new Array(MINUTE_S).fill(0);
    this.unannounced = 0;
    setInterval(() => this.tick(), 1000);
    setInterval(() => this.announce(), ANNOUNCE_MS);
  }

  count() {
    this.seconds[0] += 1;
    this.unannounced += 1;
  }

  tick() {
    find("pace").textContent = this.seconds.reduce((sum, count) => sum + count, 0);
    this.seconds.pop();
    this.seconds.unshift(0);
  }

  announce() {
    const newest = this.feed.newest();
    if (!this.unannounced || this.feed.isPaused || !newest) return;
    const text = ngettext(
      "%(count)s new read, the newest %(plate)s at %(place)s",
      "%(count)s new reads, the newest %(plate)s at %(place)s",
      this.unannounced,
    );
    const values = { count: this.unannounced, plate: newest.plate, place: format.place(newest) };
    find("announcer").textContent = filled(text, values);
    this.unannounced = 0;
  }
}
