// Wires the page: filters, stream, list, the read beside it, and the watch.

import { filled } from "../base/words.js";
import { Stream } from "../reads/stream.js";
import { Feed } from "./feed.js";
import { saysSomething } from "./plates.js";
import { Selection } from "./selection.js";
import { Pace, showProblem, showState } from "./status.js";
import { Watch } from "./watch.js";

const FIRST_PAGE = 50;
const RETRY_MS = 3000;
const TYPING_MS = 300;

const find = (id) => document.getElementById(id);
const filters = find("filters");
let loading = 0; // counts loads, so that an old one's answer is dropped
let isLoaded = false;
let shown = null; // the filter of what is in the list

const feed = new Feed(find("reads"), find("read-template"), {
  onSelect: (event) => selection.open(event),
  isWatched: (event) => watch.isWatched(event),
});
const selection = new Selection(feed, onlyPlate);
const watch = new Watch((event) => selection.open(event), () => feed.markWatched());
const pace = new Pace(feed);
const stream = new Stream({ hello: load, event: arrive, gap: loadAnew, state: follow });

function parameters() {
  const chosen = new FormData(filters);
  const query = {};
  for (const name of ["camera", "zone"]) if (chosen.get(name)) query[name] = chosen.get(name);
  const plate = chosen.get("plate").trim();
  // Else the server would refuse it.
  if (saysSomething(plate)) query.plate = /[*?]/.test(plate) ? plate : `${plate}*`;
  return query;
}

function start() {
  const query = parameters();
  // Leaving a field that was searched for already must not empty the page under the pointer.
  if (JSON.stringify(query) === shown) return;
  shown = JSON.stringify(query);
  clear();
  showProblem("");
  history.replaceState(null, "", `?${new URLSearchParams(new FormData(filters))}`);
  stream.open(query);
}

function clear() {
  loading += 1;
  isLoaded = false;
  feed.clear();
  showEmpty();
}

// What was missed is too much to be streamed; the newest reads are what the list has room for.
function loadAnew() {
  clear();
  load();
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
    const reason = error.message || gettext("no answer");
    showProblem(filled(gettext("The newest reads could not be loaded, trying again: %(reason)s"), { reason }));
    setTimeout(() => mine === loading && load(), RETRY_MS);
  }
}

function follow(state, delay, reason) {
  showState(state, delay);
  if (state === "refused") showProblem(filled(gettext("Change the filter: %(reason)s"), { reason }));
  if (state === "forbidden") showProblem(gettext("Ask an administrator for the role Viewers, then load this page again."));
}

function arrive(event) {
  pace.count();
  feed.add(event);
  if (feed.isPaused) showPause();
}

function showEmpty() {
  const isFiltered = Object.keys(parameters()).length > 0;
  find("empty").hidden = !(isLoaded && feed.isEmpty);
  find("empty-filtered").hidden = !isFiltered;
  find("empty-all").hidden = isFiltered;
}

function showPause() {
  find("pause").setAttribute("aria-pressed", String(feed.isPaused));
  const resume = feed.held ? gettext("Resume (%(count)s)") : gettext("Resume");
  find("pause").textContent = feed.isPaused ? filled(resume, { count: feed.held }) : gettext("Pause");
}

function onlyPlate(plate) {
  filters.elements.plate.value = plate;
  selection.close();
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
find("clear-filter").addEventListener("click", () => {
  for (const field of filters.querySelectorAll("select, input")) field.value = "";
  start();
  find("filter-plate").focus();
});
find("reads").addEventListener("shown", () => {
  showEmpty();
  selection.follow();
});

// A link to a filtered page opens it filtered.
for (const [name, value] of new URLSearchParams(location.search)) {
  if (filters.elements[name]) filters.elements[name].value = value;
}
start();
