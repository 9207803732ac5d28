// What is around a read: where it was delivered, what the camera read before and after, the plate's other reads.

import * as format from "./format.js";

const BESIDE = 3;
const LATELY = 5;
const AGAIN_MS = 4000;
const STATUSES = { pending: gettext("pending"), delivered: gettext("delivered"), dead: gettext("failed, gave up") };

async function ask(path, signal) {
  const response = await fetch(path, { signal, headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`${response.status}`);
  return response.json();
}

async function list(parameters, signal) {
  return (await ask(`/api/v1/events?${new URLSearchParams(parameters)}`, signal)).results;
}

// One read with its exports; null when there is none (any more).
export async function one(id, signal) {
  return ask(`/api/v1/events/${id}`, signal).catch((error) => {
    if (error.message === "404") return null;
    throw error;
  });
}

function exportsOf(section, read) {
  section.hidden = read.exports.length === 0;
  const rows = read.exports.map(({ name, status, attempts, delivered_at: at }) => {
    const row = document.createElement("tr");
    const state = document.createElement("span");
    state.className = "export-state";
    state.dataset.state = status;
    state.textContent = STATUSES[status] || status;
    row.insertCell().textContent = name;
    row.insertCell().append(state);
    row.insertCell().textContent = attempts;
    row.insertCell().append(at ? format.timeElement(at, format.shortTime) : "–");
    return row;
  });
  section.querySelector("tbody").replaceChildren(...rows);
}

function entry(read, from, onOpen) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  const plate = document.createElement("b");
  const place = document.createElement("span");
  link.href = `/events/${read.id}`;
  plate.textContent = read.plate;
  place.textContent = format.place(read);
  link.append(format.timeElement(read.captured_at, format.shortTime), plate, place);
  if (read.id === from.id) link.setAttribute("aria-current", "true");
  link.addEventListener("click", (click) => {
    if (!onOpen || click.ctrlKey || click.metaKey || click.shiftKey) return;
    click.preventDefault();
    onOpen(read);
  });
  item.append(link);
  return item;
}

async function neighbours(section, read, signal, onOpen) {
  const same = read.camera ? { camera: read.camera } : { sensor: read.sensor };
  const beside = (side) => list({ ...same, [side]: read.id, limit: BESIDE }, signal);
  const [newer, older] = await Promise.all([beside("newer_than"), beside("older_than")]);
  const entries = [...newer, read, ...older].map((other) => entry(other, read, onOpen));
  section.querySelector("ol").replaceChildren(...entries);
  section.hidden = newer.length + older.length === 0;
  return { newer: newer.at(-1), older: older[0] };
}

async function samePlate(section, read, signal, onOpen) {
  const found = await list({ plate: read.plate_normalized, limit: LATELY + 1 }, signal);
  const others = found.filter(({ id }) => id !== read.id).slice(0, LATELY);
  section.querySelector("ol").replaceChildren(...others.map((other) => entry(other, read, onOpen)));
  section.hidden = others.length === 0;
}

// What is pending now is delivered in a moment, as a rule: look again until it is.
async function followExports(section, read, signal) {
  let current = read;
  while (!signal.aborted && current) {
    exportsOf(section, current);
    if (!current.exports.some(({ status }) => status === "pending")) return;
    await new Promise((resume) => setTimeout(resume, AGAIN_MS));
    current = signal.aborted || document.hidden ? current : await one(read.id, signal);
  }
}

// Fill the sections of a read that is shown in `body`; returns its nearest neighbours once known.
// `onOpen(read)` opens another read in place; without it the links lead to its page.
export async function show(body, read, signal, onOpen) {
  const part = (name) => body.querySelector(name);
  const exported = read.exports ? read : await one(read.id, signal);
  if (!exported || signal.aborted) return {};
  followExports(part(".exports"), exported, signal).catch(() => {});
  const [beside] = await Promise.all([
    neighbours(part(".neighbours"), read, signal, onOpen),
    samePlate(part(".same-plate"), read, signal, onOpen),
  ]);
  return beside;
}
