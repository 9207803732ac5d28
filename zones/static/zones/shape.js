// The area being drawn: polygons of rings of corners, with what was before each change.

import { filled } from "../anpr/base/words.js";
import { problemOf } from "./validity.js";

const MOST_STEPS = 200;
const POSITION = /\[\s+(-?[\d.eE+-]+),\s+(-?[\d.eE+-]+)\s+\]/g;

const isPoint = (value) => Array.isArray(value) && value.length === 2 && value.every((number) => typeof number === "number");

function openRing(ring, where) {
  const wrong = Array.isArray(ring) ? ring.findIndex((point) => !isPoint(point)) : 0;
  if (wrong >= 0) throw new Error(`${where}, ${filled(gettext("position %(number)s: expected two numbers"), { number: wrong })}`);
  const [first, last] = [ring[0], ring.at(-1)];
  if (ring.length < 4) throw new Error(`${where}: ${gettext("a ring needs at least four positions, the last one equal to the first")}`);
  if (first[0] !== last[0] || first[1] !== last[1]) throw new Error(`${where}: ${gettext("the ring is open: its last position must equal its first")}`);
  return ring.slice(0, -1);
}

function openPolygon(rings, where) {
  if (!Array.isArray(rings) || rings.length === 0) throw new Error(where + gettext("expected a list of rings"));
  return rings.map((ring, number) => openRing(ring, `${where}ring ${number}`));
}

// The polygons in a text of GeoJSON; says what is wrong with it in an Error.
export function parse(text) {
  const value = JSON.parse(text);
  const coordinates = value?.coordinates;
  if (value?.type === "Polygon") return [openPolygon(coordinates, "")];
  if (value?.type !== "MultiPolygon") throw new Error(gettext("Expected a GeoJSON Polygon or MultiPolygon"));
  if (!Array.isArray(coordinates) || coordinates.length === 0) throw new Error(gettext("coordinates: expected a list of polygons"));
  return coordinates.map((rings, number) => openPolygon(rings, `polygon ${number}, `));
}

const isEmptyText = (text) => ["", "null", "{}"].includes(text.trim());

export class Shape {
  constructor() {
    this.polygons = [];
    this.past = [];
    this.future = [];
    // Of the ring that is worked on: {polygon, ring}, and the chosen corner in it or null.
    this.active = { polygon: 0, ring: 0 };
    this.corner = null;
    this.isMulti = false;
  }

  get isEmpty() {
    return this.polygons.flat(2).length === 0;
  }

  get ring() {
    return this.polygons[this.active.polygon]?.[this.active.ring] ?? [];
  }

  problem(space) {
    return this.isEmpty ? null : problemOf(this.drawn(), space);
  }

  drawn() {
    return this.polygons.map((rings) => rings.filter((ring) => ring.length > 0)).filter((rings) => rings.length > 0);
  }

  // The text as people read it: one position a line.
  text() {
    if (this.isEmpty) return "";
    const closed = this.drawn().map((rings) => rings.map((ring) => [...ring, ring[0]]));
    const isMulti = closed.length > 1 || this.isMulti;
    const value = { type: isMulti ? "MultiPolygon" : "Polygon", coordinates: isMulti ? closed : closed[0] };
    return JSON.stringify(value, null, 1).replace(POSITION, "[$1, $2]");
  }

  // Take over a text; throws what is wrong with it, and then nothing has changed.
  read(text) {
    const polygons = isEmptyText(text) ? [] : parse(text);
    this.remember();
    this.isMulti = /"MultiPolygon"/.test(text);
    this.polygons = polygons;
    this.settle();
  }

  // Call it before a change: undo comes back to here.
  remember() {
    this.past.push(JSON.stringify(this.polygons));
    if (this.past.length > MOST_STEPS) this.past.shift();
    this.future = [];
  }

  step(from, to) {
    if (from.length === 0) return false;
    to.push(JSON.stringify(this.polygons));
    this.polygons = JSON.parse(from.pop());
    this.settle();
    return true;
  }

  undo() {
    return this.step(this.past, this.future);
  }

  redo() {
    return this.step(this.future, this.past);
  }

  // What was chosen may be gone: choose something that is there.
  settle() {
    const { polygon, ring } = this.active;
    if (!this.polygons[polygon]?.[ring]) this.active = { polygon: Math.max(0, this.polygons.length - 1), ring: 0 };
    if (this.corner !== null && this.corner >= this.ring.length) this.corner = null;
  }

  choose(polygon, ring, corner = null) {
    this.active = { polygon, ring };
    this.corner = corner;
  }

  add(point) {
    this.remember();
    if (this.polygons.length === 0) this.polygons = [[[]]];
    this.ring.push(point);
    this.corner = null;
  }

  insert(after, point) {
    this.remember();
    this.ring.splice(after + 1, 0, point);
    this.corner = after + 1;
  }

  move(point) {
    this.ring[this.corner] = point;
  }

  removeCorner() {
    this.remember();
    const { polygon, ring } = this.active;
    this.ring.splice(this.corner, 1);
    this.corner = this.ring.length ? this.corner % this.ring.length : null;
    if (this.ring.length === 0) this.drop(polygon, ring);
  }

  // Without its outline an area is gone, with its holes.
  drop(polygon, ring) {
    if (ring === 0) this.polygons.splice(polygon, 1);
    else this.polygons[polygon].splice(ring, 1);
    this.active = { polygon, ring: 0 };
    this.corner = null;
    this.settle();
  }

  removeRing() {
    this.remember();
    this.drop(this.active.polygon, this.active.ring);
  }

  startArea() {
    this.remember();
    this.polygons = this.drawn();
    this.polygons.push([[]]);
    this.choose(this.polygons.length - 1, 0);
  }

  startHole() {
    this.remember();
    const rings = this.polygons[this.active.polygon];
    rings.push([]);
    this.choose(this.active.polygon, rings.length - 1);
  }
}
