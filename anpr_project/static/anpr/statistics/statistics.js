// Wires the page: what is asked for is in its address, what is shown comes from the public API.

import { filled } from "../base/words.js";
import { Chart } from "./chart.js";
import { showDrift } from "./drift.js";
import * as time from "./range.js";
import { change, element, number, share, showCounts, showPoints } from "./tables.js";

const find = (id) => document.getElementById(id);
const form = find("ranges");
const chart = new Chart(find("chart"));
const DEFAULTS = { today: "hour", 7: "day", 30: "day", 90: "day", custom: "day" };
const TITLES = { hour: gettext("Reads per hour"), day: gettext("Reads per day"), week: gettext("Reads per week") };
const NAMES = ["range", "bucket", "from", "to", "camera", "zone", "compare"];
let request = new AbortController();

const chosen = () => Object.fromEntries([...new FormData(form)].filter(([, value]) => value));

function restore() {
  form.reset();
  const query = new URLSearchParams(location.search);
  const values = Object.fromEntries(NAMES.map((name) => [name, query.get(name)]));
  form.elements.range.value = values.range in DEFAULTS ? values.range : "7";
  form.elements.bucket.value = values.bucket in TITLES ? values.bucket : DEFAULTS[form.elements.range.value];
  for (const name of ["from", "to", "camera", "zone"]) form.elements[name].value = values[name] || "";
  form.elements.compare.checked = values.compare === "1";
  load();
}

function remember() {
  history.pushState(null, "", `?${new URLSearchParams(chosen())}`);
  load();
}

function filters() {
  const { camera, zone } = chosen();
  return { ...(camera && { camera }), ...(zone && { zone }) };
}

async function ask(path, { start, end }, bucket, signal) {
  const query = new URLSearchParams({ from: start.toISOString(), to: end.toISOString(), bucket, ...filters() });
  const response = await fetch(`/api/v1/events/${path}?${query}`, { signal, headers: { Accept: "application/json" } });
  if (response.status === 401) location.assign(document.body.dataset.login);
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.message || gettext("The server did not answer."));
  return body;
}

async function load() {
  request.abort();
  request = new AbortController();
  const { signal } = request;
  const asked = chosen();
  const range = time.chosenRange(asked);
  find("dates").hidden = asked.range !== "custom";
  showProblem(range ? "" : gettext("Choose the first and the last day."), false);
  if (!range) return;
  const weeks = time.weeksBefore(range);
  const weeksText = ngettext("the week before", "%(count)s weeks before", weeks);
  const earlier = filled(weeksText, { count: weeks });
  find("compare-text").textContent = filled(gettext("Compare with %(earlier)s"), { earlier });
  find("content").setAttribute("aria-busy", "true");
  const bucket = time.serverBucket(range, asked.bucket);
  const past = time.before(range, weeks);
  try {
    const [now, then, drift] = await Promise.all([
      ask("stats", range, bucket, signal),
      asked.compare ? ask("stats", past, bucket, signal) : null,
      ask("stats/confidence", range, range.end - range.start > 3 * 86_400_000 ? "day" : "hour", signal),
    ]);
    show({ asked, range, past, now, then, drift, earlier });
  } catch (error) {
    if (!signal.aborted) showProblem(error.message, true);
  }
  if (!signal.aborted) find("content").removeAttribute("aria-busy");
}

function showProblem(text, canBeTriedAgain) {
  find("problem-text").textContent = text;
  find("problem").hidden = !text;
  find("again").hidden = !canBeTriedAgain;
}

function show({ asked, range, past, now, then, drift, earlier }) {
  const isEmpty = now.total === 0 && !then?.total;
  find("content").hidden = isEmpty;
  find("empty").hidden = !isEmpty;
  find("truncated").hidden = !now.truncated && !then?.truncated;
  find("longer").hidden = asked.range === "90";
  find("empty-text").textContent = Object.keys(filters()).length
    ? gettext("No read of this camera and zone in this range.")
    : gettext("No read in this range. To get some, connect a sensor, or run make demo.");
  find("status").textContent = filled(gettext("%(count)s reads"), { count: number(now.total) });
  if (isEmpty) return;
  showFigures(now, then, earlier);
  showChart(asked, range, past, now, then, earlier);
  showTables(range, now, then);
  showDrift(find("drift"), drift, ({ camera }) => camera && link(range, { camera }));
  showZone(range);
}

function figure(name, value, before) {
  return element("div", { className: "card figure" }, [
    element("dt", { text: name }),
    element("dd", {}, [element("b", { text: value }), ...(before ? [element("span", { text: before })] : [])]),
  ]);
}

function showFigures(now, then, earlier) {
  const about = (stats) => (stats.unique_plates_approximate ? "≈ " : "") + number(stats.unique_plates);
  const against = (name) => then && filled(gettext("%(change)s against %(earlier)s"), { change: change(now[name], then[name]), earlier });
  const points = then?.mean_confidence && now.mean_confidence && (now.mean_confidence - then.mean_confidence) * 100;
  const confidence = then && filled(gettext("%(change)s points against %(earlier)s"), {
    change: points === null ? "–" : (points < 0 ? "−" : "+") + Math.abs(points).toFixed(1),
    earlier,
  });
  find("figures").replaceChildren(
    figure(gettext("Reads"), number(now.total), against("total")),
    figure(gettext("Different plates"), about(now), against("unique_plates")),
    figure(gettext("Mean confidence"), share(now.mean_confidence), confidence),
  );
}

function showChart(asked, range, past, now, then, earlier) {
  const points = time.grouped(now.series, range, asked.bucket);
  const before = then && time.grouped(then.series, past, asked.bucket);
  const label = time.labelOf(range, asked.bucket);
  const title = !time.isByHour(range) && asked.bucket === "hour" ? TITLES.day : TITLES[asked.bucket];
  find("chart-title").textContent = title;
  find("legend").hidden = !then;
  find("legend").replaceChildren(element("span", { className: "dash" }), ` ${earlier}`);
  const describe = (point, other) => {
    const text = `${label.long(point.start)}: ${number(point.events)}`;
    return other ? `${text} · ${filled(gettext("before %(count)s"), { count: number(other.events) })} (${change(point.events, other.events)})` : text;
  };
  chart.show({ points, before, title, number, label: label.short, describe });
  showPoints(find("chart-table"), points, before, label.long);
}

const link = ({ start, end }, query) =>
  `/search?${new URLSearchParams({ ...filters(), ...query, captured_after: start.toISOString(), captured_before: end.toISOString() })}`;

function showTables(range, now, then) {
  const rows = (list, key, nameOf, parameter = key) =>
    now[list].map((entry) => ({
      name: nameOf(entry),
      href: entry[key] === null ? null : link(range, { [parameter]: entry[key] }),
      events: entry.events,
      before: then?.[list].find((other) => other[key] === entry[key])?.events,
    }));
  const options = { hasBefore: Boolean(then), none: gettext("nothing") };
  const tables = [
    ["by-camera", gettext("Camera"), rows("by_camera", "camera", ({ name }) => name || gettext("no camera"))],
    ["by-zone", gettext("Zone"), rows("by_zone", "zone", ({ name }) => name || gettext("no zone"))],
    ["by-type", gettext("Type"), rows("by_vehicle_type", "vehicle_type", (entry) => entry.vehicle_type || gettext("not told"))],
    ["top-plates", gettext("Plate"), rows("top_plates", "plate", ({ plate }) => plate)],
  ];
  for (const [id, title, counts] of tables) {
    // The plates before are the top ones of then, among which others may be.
    showCounts(find(id), counts, { ...options, title, hasBefore: options.hasBefore && id !== "top-plates" });
  }
  find("top-title").textContent = now.top_plates_approximate ? gettext("Top plates of the newest reads") : gettext("Top plates");
}

function showZone(range) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const own = filled(gettext("Hours, days and weeks are those of your time zone (%(zone)s); weeks start on Monday."), { zone });
  const utc = gettext("A range this long is counted in days of UTC.");
  find("zone-note").textContent = `${time.isByHour(range) ? own : utc} ${gettext("The days of the confidence are UTC.")}`;
}

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", ({ target }) => {
  if (target.name === "range") form.elements.bucket.value = DEFAULTS[target.value];
  remember();
});
find("again").addEventListener("click", load);
find("longer").addEventListener("click", () => {
  form.elements.range.value = "90";
  form.elements.bucket.value = "day";
  remember();
});
addEventListener("popstate", restore);
restore();
