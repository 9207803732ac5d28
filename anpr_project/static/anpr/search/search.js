// Wires the page: form, address, results, the read beside them.

import { filled } from "../base/words.js";
import { localTime } from "../base/times.js";
import { Hits } from "./hits.js";
import { Opened } from "./opened.js";
import { Form } from "./query.js";
import { ways } from "./ways.js";

const PAGE = 50;
const find = (id) => document.getElementById(id);
const form = new Form(find("search"));
const hits = new Hits(find("hits"), find("hit-template"), (event) => opened.open(event));
const opened = new Opened(hits, (plate) => go(new URLSearchParams({ plate })));
let request = new AbortController();
let shown = null; // the query of what is shown

const address = (query) => (query.size ? `?${query}` : location.pathname);

// Ask for something else; Back leads to what was asked before.
function go(query) {
  opened.hide();
  history.pushState(null, "", address(query));
  load();
}

async function load() {
  request.abort();
  request = new AbortController();
  const { signal } = request;
  const query = new URLSearchParams(location.search);
  shown = `${query}`;
  form.show(query);
  showOthers();
  showProblem("");
  find("hits").setAttribute("aria-busy", "true");
  find("summary").textContent = gettext("Searching …");
  try {
    const body = await ask(query, signal);
    showResults(query, body);
    await opened.follow();
  } catch (error) {
    if (signal.aborted) return;
    showResults(query, { results: [], next: null, previous: null }, false);
    showProblem(error.message || gettext("The server did not answer."), !error.isFinal);
    markField(error.field);
  }
}

async function ask(query, signal) {
  const asked = new URLSearchParams(query);
  asked.set("limit", PAGE);
  const headers = { Accept: "application/json" };
  const response = await fetch(`/api/v1/events?${asked}`, { headers, signal }).catch((error) => {
    if (signal.aborted) throw error;
    throw new Error(gettext("The server did not answer. Is the network there?"));
  });
  if (response.status === 401) location.assign(document.body.dataset.login);
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  const field = body.errors?.[0]?.field;
  const message = field ? `${label(field)}: ${body.message}` : body.message;
  throw Object.assign(new Error(message), { field, isFinal: response.status < 500 });
}

const fieldOf = (name) => find("search").elements[name === "similar" ? "plate" : name];
const label = (name) => fieldOf(name)?.closest("label")?.querySelector("span")?.textContent || name;

function markField(name) {
  const field = name && fieldOf(name);
  if (!field) return;
  field.setAttribute("aria-invalid", "true");
  field.closest("details")?.setAttribute("open", "");
  field.focus();
}

function showProblem(text, canBeTriedAgain = false) {
  for (const field of find("search").querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  find("problem-text").textContent = text;
  find("problem").hidden = !text;
  find("again").hidden = !canBeTriedAgain;
}

function showResults(query, { results, next, previous }, isAnswered = true) {
  hits.show(results);
  find("hits").removeAttribute("aria-busy");
  find("summary").textContent = isAnswered ? summary(results, next, previous) : "";
  find("empty").hidden = results.length > 0 || !isAnswered;
  showEmpty(query);
  showPager(query, next, previous);
  showDownloads(query, results.length > 0);
}

function summary(results, next, previous) {
  if (!results.length) return gettext("No read");
  const isAll = !next && !previous;
  const counted = isAll
    ? ngettext("%(count)s read", "%(count)s reads", results.length)
    : gettext("%(count)s of the reads, newest first");
  const [first, last] = [results.at(-1).captured_at, results[0].captured_at].map(localTime);
  return `${filled(counted, { count: results.length })} · ${first} – ${last}`;
}

function showEmpty(query) {
  const filters = form.query();
  const isBeyond = query.has("cursor");
  let text = gettext("No read matches. Try:");
  if (isBeyond) text = gettext("There are no more reads on this side.");
  else if (!filters.size) text = gettext("No read yet: connect a sensor, or run make demo.");
  else if (!ways(filters).length) text = gettext("No read matches.");
  find("empty-text").textContent = text;
  find("ways").replaceChildren(
    ...(isBeyond ? [[gettext("Back to the newest"), filters]] : ways(filters)).map(([name, other]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button";
      button.textContent = name;
      button.addEventListener("click", () => go(other));
      return button;
    }),
  );
}

function showPager(query, next, previous) {
  const cursors = { newer: previous, older: next, newest: query.has("cursor") && !!previous };
  for (const [id, link] of Object.entries(cursors)) {
    const target = form.query();
    if (typeof link === "string") target.set("cursor", new URL(link).searchParams.get("cursor"));
    find(id).href = address(target);
    find(id).hidden = !link;
  }
  find("pager").hidden = !next && !previous;
}

function showDownloads(query, isWorthIt) {
  const filters = form.query();
  find("downloads").hidden = !isWorthIt;
  find("download-csv").href = `/api/v1/events/export?format=csv&bom=true&${filters}`;
  find("download-json").href = `/api/v1/events/export?format=json&${filters}`;
  const evidence = find("download-evidence"); // for those who may take one
  if (evidence) evidence.href = `/api/v1/events/evidence?${filters}`;
}

// Filters of the address that the form has no field for: they are named, and can be taken away.
function showOthers() {
  find("others").hidden = !form.others.length;
  find("others").replaceChildren(
    ...form.others.map(([name, value]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "chip";
      button.textContent = `${name} = ${value} ✕`;
      button.title = gettext("Remove this filter");
      button.addEventListener("click", () => {
        form.others = form.others.filter(([one, other]) => one !== name || other !== value);
        go(form.query());
      });
      return button;
    }),
  );
}

function showView(view) {
  find("hits").dataset.view = view;
  for (const button of document.querySelectorAll("[data-view][aria-pressed]")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
  }
}

find("search").addEventListener("submit", (event) => {
  event.preventDefault();
  go(form.query());
});
// Choosing is asking; typing is not, before Enter.
find("search").addEventListener("change", ({ target }) => {
  if (target.matches("select") || (target.id === "similar" && form.fields.plate.value)) go(form.query());
});
for (const chip of document.querySelectorAll(".quick .chip")) {
  chip.addEventListener("click", () => {
    form.since(chip.dataset.hours);
    go(form.query());
  });
}
find("clear").addEventListener("click", () => {
  go(new URLSearchParams());
  find("plate").focus();
});
find("again").addEventListener("click", load);
for (const link of find("pager").children) {
  link.addEventListener("click", (click) => {
    if (click.ctrlKey || click.metaKey || click.shiftKey) return;
    click.preventDefault();
    go(new URL(link.href).searchParams);
    scrollTo({ top: 0 });
    find("hits").focus({ preventScroll: true });
  });
}
for (const button of document.querySelectorAll("[data-view][aria-pressed]")) {
  button.addEventListener("click", () => {
    localStorage.setItem("search-view", button.dataset.view);
    showView(button.dataset.view);
  });
}
addEventListener("popstate", () => {
  if (`${new URLSearchParams(location.search)}` === shown) opened.follow();
  else load();
});
addEventListener("keydown", (press) => {
  if (press.key !== "/" || press.target.matches("input, select, textarea")) return;
  press.preventDefault();
  find("plate").focus();
  find("plate").select();
});
showView(localStorage.getItem("search-view") === "grid" ? "grid" : "rows");
load();
