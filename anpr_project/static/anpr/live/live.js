// Wires the page: filters, stream, list and detail.

import * as detail from "../reads/detail.js";
import { Feed } from "./feed.js";
import { Stream } from "../reads/stream.js";

const FIRST_PAGE = 50;
const RETRY_MS = 3000;
const TYPING_MS = 300;
const FOLLOW_MS = 1500;
const ANNOUNCE_MS = 5000;
const STATES = {
  connecting: "Connecting …",
  live: "Live",
  waiting: "Connection lost, trying again …",
  offline: "No network",
  refused: "Filter refused",
  login: "Logged out",
  forbidden: "No right to see reads",
};

const find = (id) => document.getElementById(id);
const filters = find("filters");
const wide = matchMedia("(min-width: 1100px)");
let selected = null; // the read that the user opened; else, on a wide screen, the newest is followed
let loading = 0; // counts loads, so that an old one's answer is dropped
let isLoaded = false;
let arrivals = [];
let followTimer = null;
let unannounced = 0;

const feed = new Feed(find("reads"), find("read-template"), select);
const stream = new Stream({ hello: load, event: arrive, state: showState });

function parameters() {
  const chosen = new FormData(filters);
  const query = {};
  for (const name of ["camera", "zone"]) if (chosen.get(name)) query[name] = chosen.get(name);
  const plate = chosen.get("plate").trim();
  // Without a letter or a digit there is nothing to look for, and the server would refuse it.
  if (/[\p{L}\p{N}]/u.test(plate)) query.plate = /[*?]/.test(plate) ? plate : `${plate}*`;
  return query;
}

function start() {
  loading += 1;
  isLoaded = false;
  feed.clear();
  showEmpty();
  const query = parameters();
  history.replaceState(null, "", `?${new URLSearchParams(new FormData(filters))}`);
  stream.open(query);
}

// The newest reads. The stream is already open and its reads are told apart by id: no gap between.
async function load() {
  const mine = loading;
  try {
    const query = new URLSearchParams({ ...parameters(), limit: FIRST_PAGE });
    const response = await fetch(`/api/v1/events?${query}`, { headers: { Accept: "application/json" } });
    const body = await response.json();
    if (mine !== loading) return;
    if (response.status === 401) return showState("login");
    if (!response.ok) throw new Error(body.message);
    feed.fill(body.results);
    isLoaded = true;
    showProblem("");
    showEmpty();
  } catch (error) {
    if (mine !== loading) return;
    showProblem(`The newest reads could not be loaded: ${error.message || "no answer"}`);
    setTimeout(() => mine === loading && load(), RETRY_MS);
  }
}

function arrive(event) {
  arrivals.push(performance.now());
  unannounced += 1;
  feed.add(event);
  if (feed.isPaused) showPause();
}

function showState(state, delay) {
  find("state").dataset.state = state;
  const seconds = delay ? Math.max(1, Math.round(delay / 1000)) : 0;
  find("state-text").textContent = STATES[state];
  find("state").title = seconds ? `next attempt in ${seconds} s` : "";
  if (state === "login") location.assign(document.body.dataset.login);
}

function showProblem(text) {
  find("problem").textContent = text;
  find("problem").hidden = !text;
}

function showEmpty() {
  const isFiltered = Object.keys(parameters()).length > 0;
  find("empty").hidden = !(isLoaded && feed.isEmpty);
  if (isFiltered) find("empty-text").textContent = "No read matches this filter.";
  else find("empty-text").replaceChildren("No read yet: run ", code("make demo"));
}

function code(text) {
  const element = document.createElement("code");
  element.textContent = text;
  return element;
}

function showPause() {
  find("pause").setAttribute("aria-pressed", String(feed.isPaused));
  const held = feed.held ? ` (${feed.held})` : "";
  find("pause").textContent = feed.isPaused ? `Resume${held}` : "Pause";
}

function showDetail(event, mode) {
  find("detail-mode").textContent = mode;
  detail.show(find("detail-body"), find("detail-template"), event, onlyPlate);
}

function select(event) {
  if (!event) return;
  selected = event;
  feed.mark(event.id);
  showDetail(event, "Selected read");
  document.body.classList.add("has-selection");
  // On a narrow screen the read covers the list, which then must not be reachable behind it.
  if (!wide.matches) {
    for (const part of [find("main"), find("bar")]) part.inert = true;
    find("detail-close").focus();
  }
}

function deselect() {
  if (!selected) return;
  const button = feed.button(selected.id);
  selected = null;
  for (const part of [find("main"), find("bar")]) part.inert = false;
  document.body.classList.remove("has-selection");
  feed.mark(null);
  (button || find("reads")).focus();
  follow();
}

// On a wide screen the newest read is shown while none is selected; its picture is loaded calmly.
function follow() {
  if (selected || !wide.matches || followTimer || document.hidden) return;
  const newest = feed.newest();
  if (newest) showDetail(newest, "Newest read");
  followTimer = setTimeout(() => {
    followTimer = null;
    if (newest !== feed.newest()) follow();
  }, FOLLOW_MS);
}

function onlyPlate(plate) {
  filters.elements.plate.value = plate;
  deselect();
  start();
}

let typing = null;
filters.addEventListener("submit", (event) => event.preventDefault());
filters.addEventListener("change", () => {
  clearTimeout(typing);
  start();
});
filters.addEventListener("input", ({ target }) => {
  if (target.name !== "plate") return;
  clearTimeout(typing);
  typing = setTimeout(start, TYPING_MS);
});
find("pause").addEventListener("click", () => {
  feed.pause(!feed.isPaused);
  showPause();
});
find("detail-close").addEventListener("click", deselect);
find("reads").addEventListener("shown", () => {
  showEmpty();
  follow();
});
addEventListener("keydown", ({ key }) => key === "Escape" && deselect());
document.addEventListener("visibilitychange", follow);
wide.addEventListener("change", () => {
  for (const part of [find("main"), find("bar")]) part.inert = Boolean(selected) && !wide.matches;
  follow();
});
setInterval(() => {
  const minuteAgo = performance.now() - 60_000;
  arrivals = arrivals.filter((moment) => moment > minuteAgo);
  find("pace").textContent = arrivals.length;
}, 1000);
setInterval(() => {
  if (!unannounced || feed.isPaused) return;
  const newest = feed.newest();
  const reads = unannounced === 1 ? "1 new read" : `${unannounced} new reads`;
  if (newest) find("announcer").textContent = `${reads}, the newest ${newest.plate} at ${newest.camera_name || newest.sensor_name}`;
  unannounced = 0;
}, ANNOUNCE_MS);

// A link to a filtered page opens it filtered.
for (const [name, value] of new URLSearchParams(location.search)) {
  if (filters.elements[name]) filters.elements[name].value = value;
}
start();
