// Where nothing was found: what to try next, each a button that does it.

import { filled } from "../base/words.js";

const RANGE = ["captured_after", "captured_before"];

function without(query, names) {
  const wider = new URLSearchParams(query);
  for (const name of names) wider.delete(name);
  return wider;
}

function plateInstead(query, name, plate) {
  const other = without(query, ["plate", "similar"]);
  other.append(name, plate);
  return other;
}

// Return [text, query] of each search that may find more.
export function ways(query) {
  const plate = query.get("plate") || query.get("similar");
  const found = [];
  if (plate && !/[*?]/.test(plate)) {
    found.push([filled(gettext("Plates that contain %(plate)s"), { plate }), plateInstead(query, "plate", `*${plate}*`)]);
    if (query.has("plate")) {
      found.push([filled(gettext("Look-alikes of %(plate)s"), { plate }), plateInstead(query, "similar", plate)]);
    }
  }
  if (RANGE.some((name) => query.has(name))) found.push([gettext("At any time"), without(query, RANGE)]);
  const rest = [...query.keys()].filter((name) => !["plate", "similar", ...RANGE].includes(name));
  if (rest.length) found.push([gettext("Without the other filters"), without(query, rest)]);
  return found;
}
