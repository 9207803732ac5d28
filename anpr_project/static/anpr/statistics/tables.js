// Counts as tables: name, number, share as a bar, and the change against the time before.

const whole = new Intl.NumberFormat();
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const signed = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 0, signDisplay: "exceptZero" });

export const number = (value) => whole.format(value);
export const share = (value) => (value === null ? "–" : percent.format(value));

// "+12%"; there is no change in percent from nothing.
export function change(now, then) {
  return then ? signed.format((now - then) / then) : "–";
}

export function element(name, { text, className, ...attributes } = {}, children = []) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export const head = (names) => element("thead", {}, [element("tr", {}, names.map((text) => element("th", { text, scope: "col" })))]);

function bar(part) {
  const fill = element("span", { className: "fill" });
  fill.style.width = `${Math.max(1, part * 100)}%`;
  return element("span", { className: "track", "aria-hidden": "true" }, [fill]);
}

export function named(name, href) {
  return href ? element("a", { text: name, href }) : element("span", { text: name, className: name ? "" : "none" });
}

// rows: [{name, href, events, before}]
export function showCounts(table, rows, { title, hasBefore, none }) {
  const highest = Math.max(1, ...rows.map(({ events }) => events));
  const body = rows.map(({ name, href, events, before }) =>
    element("tr", {}, [
      element("th", { scope: "row" }, [named(name, href), bar(events / highest)]),
      element("td", { text: number(events) }),
      ...(hasBefore ? [element("td", { className: "change", text: change(events, before), title: number(before || 0) })] : []),
    ]),
  );
  if (!rows.length) body.push(element("tr", {}, [element("td", { text: none, className: "none", colspan: 3 })]));
  const names = [title, gettext("Reads"), ...(hasBefore ? [gettext("Change")] : [])];
  table.replaceChildren(head(names), element("tbody", {}, body));
}

// Every point of the chart, for who cannot see it.
export function showPoints(box, points, before, label) {
  const rows = points.map(({ start, events }, index) =>
    element("tr", {}, [
      element("th", { scope: "row", text: label(start) }),
      element("td", { text: number(events) }),
      ...(before ? [element("td", { text: before[index] ? number(before[index].events) : "–" })] : []),
    ]),
  );
  const names = [gettext("From"), gettext("Reads"), ...(before ? [gettext("Before")] : [])];
  box.replaceChildren(element("table", {}, [head(names), element("tbody", {}, rows)]));
}
