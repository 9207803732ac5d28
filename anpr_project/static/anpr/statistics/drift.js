// How sure each camera was over time: a small line each, the one that fell most first.

import { shape } from "./chart.js";
import { element, head, named, number, share } from "./tables.js";

const WIDTH = 240;
const HEIGHT = 34;
// With fewer reads a half says nothing.
const ENOUGH = 10;
const FELL = -0.03;
const points = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: "exceptZero" });

function mean(camera, from, to) {
  let events = 0;
  let sum = 0;
  for (let index = from; index < to; index += 1) {
    events += camera.events[index];
    sum += camera.events[index] * (camera.confidence[index] ?? 0);
  }
  return events < ENOUGH ? null : sum / events;
}

function changeOf(camera) {
  const half = Math.floor(camera.events.length / 2);
  const [first, second] = [mean(camera, 0, half), mean(camera, half, camera.events.length)];
  return first === null || second === null ? null : second - first;
}

function line(camera, lowest) {
  const svg = shape("svg", { class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true", preserveAspectRatio: "none" });
  const known = camera.confidence.map((value, index) => [value, index]).filter(([value]) => value !== null);
  const last = Math.max(1, camera.confidence.length - 1);
  const place = ([value, index]) => `${(index / last) * WIDTH},${HEIGHT - 2 - ((value - lowest) / (1 - lowest)) * (HEIGHT - 4)}`;
  const path = known.length > 1 ? known.map(place).join(" ") : known.flatMap((one) => [place(one), place([one[0], one[1] + 0.2])]).join(" ");
  shape("polyline", { points: path }, svg);
  return svg;
}

export function showDrift(table, { cameras }, link) {
  const rows = cameras.map((camera) => ({ camera, change: changeOf(camera) })).sort((one, other) => (one.change ?? 9) - (other.change ?? 9));
  const values = cameras.flatMap(({ confidence }) => confidence.filter((value) => value !== null));
  const lowest = Math.min(0.9, ...values.map((value) => Math.floor(value * 10) / 10));
  const body = rows.map(({ camera, change }) =>
    element("tr", {}, [
      element("th", { scope: "row" }, [named(camera.name || gettext("no camera"), link(camera))]),
      element("td", { className: "spark-cell" }, [line(camera, lowest)]),
      element("td", { text: share(camera.mean_confidence) }),
      element("td", { className: change !== null && change <= FELL ? "change fell" : "change", text: change === null ? "–" : points.format(change * 100) }),
      element("td", { text: number(camera.total) }),
    ]),
  );
  const names = head([gettext("Camera"), gettext("Over time"), gettext("Mean"), gettext("Change"), gettext("Reads")]);
  names.querySelectorAll("th")[1].className = "left spark-cell";
  table.replaceChildren(names, element("tbody", {}, body));
}
