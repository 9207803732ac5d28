// The server's rule for areas (zones/geometry.py), applied while one draws.

import { filled } from "../anpr/base/words.js";
import { inside, meeting, same } from "./exact.js";

const LIMITS = { map: [[-180, 180], [-90, 90]], image: [[0, 1], [0, 1]] };
const NAMES = { map: ["longitude", "latitude"], image: ["x", "y"] };
export const MAX_POINTS = 10_000;

const shown = (value) => String(Number(value.toFixed(5)));
export const place = (point) => point.map(shown).join(", ");

function outOfRange(point, space) {
  for (const axis of [0, 1]) {
    const [low, high] = LIMITS[space][axis];
    if (!(point[axis] >= low && point[axis] <= high)) return filled(gettext("%(name)s %(value)s is outside %(low)s to %(high)s"), { name: NAMES[space][axis], value: shown(point[axis]), low, high });
  }
  return "";
}

// A problem is {message, at}: what is wrong, and where on the drawing (or null).
const problem = (message, at = null) => ({ message, at });
const atPlace = (text, at) => problem(filled(text, { place: place(at) }), at);

function ringProblem(points, space, where) {
  const corner = points.find((point) => outOfRange(point, space));
  if (corner) return problem(where + filled(gettext("corner %(number)s: %(reason)s"), { number: points.indexOf(corner) + 1, reason: outOfRange(corner, space) }), corner);
  const corners = points.filter((point, index) => !same(point, points.at(index - 1)));
  if (corners.length < 3) return problem(where + gettext("too few corners: at least three are needed"), points[0] ?? null);
  return null;
}

function segmentsOf(rings) {
  const segments = [];
  for (const ring of rings) {
    ring.corners.forEach((to, index) => {
      const from = ring.corners.at(index - 1);
      const [left, right] = from[0] < to[0] ? [from[0], to[0]] : [to[0], from[0]];
      const [top, bottom] = from[1] < to[1] ? [from[1], to[1]] : [to[1], from[1]];
      segments.push({ ring, index, from, to, left, right, top, bottom, cuts: [] });
    });
  }
  return segments.sort((one, other) => one.left - other.left);
}

function areNeighbours(one, other) {
  const count = one.ring.corners.length;
  const distance = Math.abs(one.index - other.index);
  return one.ring === other.ring && (distance === 1 || distance === count - 1);
}

function pairProblem(one, other, touches) {
  const met = meeting(one.from, one.to, other.from, other.to);
  if (!met) return null;
  const isOneRing = one.ring === other.ring;
  if (met.kind === "cross") return atPlace(isOneRing ? gettext("The outline crosses itself at %(place)s") : gettext("Two outlines cross at %(place)s"), met.at);
  if (met.kind === "overlap") return atPlace(gettext("Two sides lie on each other at %(place)s"), met.at);
  if (isOneRing && areNeighbours(one, other)) return null;
  if (isOneRing) return atPlace(gettext("The outline touches itself at %(place)s"), met.at);
  one.cuts.push(met.at);
  other.cuts.push(met.at);
  touches.push({ rings: [one.ring, other.ring], at: met.at });
  return null;
}

function meetings(segments, touches) {
  for (let first = 0; first < segments.length; first += 1) {
    for (let next = first + 1; next < segments.length && segments[next].left <= segments[first].right; next += 1) {
      if (segments[first].top > segments[next].bottom || segments[next].top > segments[first].bottom) continue;
      const found = pairProblem(segments[first], segments[next], touches);
      if (found) return found;
    }
  }
  return null;
}

// Points of a ring's outline, one between each two places where it meets another ring.
function samples(ring, segments) {
  const points = [];
  for (const { from, to, cuts } of segments.filter((segment) => segment.ring === ring)) {
    const stops = [from, to, ...cuts].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    for (let index = 1; index < stops.length; index += 1) {
      const [a, b] = [stops[index - 1], stops[index]];
      if (!same(a, b)) points.push([(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]);
    }
  }
  return points;
}

// How much of ring `one` lies in ring `other`, which it may touch but not cross.
function part(one, other, segments) {
  const points = samples(one, segments);
  const held = points.filter((point) => inside(other.corners, point)).length;
  if (held === 0) return "none";
  return held === points.length ? "all" : "some";
}

function boxesMeet(one, other) {
  return [0, 1].every((axis) => {
    const [a, b] = [one, other].map((ring) => ring.corners.map((corner) => corner[axis]));
    const least = (values) => values.reduce((x, y) => Math.min(x, y));
    const most = (values) => values.reduce((x, y) => Math.max(x, y));
    return least(a) <= most(b) && least(b) <= most(a);
  });
}

function holeProblem(polygon, segments) {
  const [shell, ...holes] = polygon;
  for (const hole of holes) {
    if (part(hole, shell, segments) !== "all") return problem(hole.where + gettext("the hole is not within its area"), hole.corners[0]);
    const around = holes.find((other) => other !== hole && boxesMeet(hole, other) && part(hole, other, segments) !== "none");
    if (around) return problem(hole.where + gettext("two holes overlap"), hole.corners[0]);
  }
  return null;
}

function overlapProblem(polygons, segments) {
  for (const polygon of polygons) {
    for (const other of polygons) {
      if (polygon === other || !boxesMeet(polygon[0], other[0])) continue;
      const [shell] = polygon;
      if (part(shell, other[0], segments) === "none") continue;
      const isInHole = other.slice(1).some((hole) => part(shell, hole, segments) === "all");
      if (!isInHole) return problem(shell.where + gettext("two areas overlap"), shell.corners[0]);
    }
  }
  return null;
}

// Rings that touch each other in a circle cut their area in two.
function cutProblem(polygon, touches) {
  const parents = new Map();
  const root = (node) => (parents.has(node) ? root(parents.get(node)) : node);
  const links = new Set();
  const numbers = new Map(polygon.map((ring, number) => [ring, number]));
  for (const { rings, at } of touches.filter((touch) => touch.rings.every((ring) => numbers.has(ring)))) {
    for (const ring of rings) {
      const link = `${numbers.get(ring)} ${at}`;
      if (links.has(link)) continue;
      links.add(link);
      const [one, other] = [root(numbers.get(ring)), root(`${at}`)];
      if (one === other) return atPlace(gettext("Holes cut the area in two at %(place)s"), at);
      parents.set(one, other);
    }
  }
  return null;
}

// The beginning of a message: which ring it is about.
function named(area, hole) {
  return `${hole ? filled(gettext("Area %(area)s, hole %(hole)s"), { area, hole }) : filled(gettext("Area %(area)s"), { area })}: `;
}

function cornersOf(polygons) {
  return polygons.map((polygon, number) =>
    polygon.map((points, ring) => ({
      points,
      corners: points.filter((point, index) => !same(point, points.at(index - 1))),
      where: named(number + 1, ring),
    })),
  );
}

// What is wrong with the area, or null. `polygons` hold rings of corners, the last one not repeated.
export function problemOf(polygons, space) {
  const areas = cornersOf(polygons);
  const rings = areas.flat();
  for (const { points, where } of rings) {
    const found = ringProblem(points, space, where);
    if (found) return found;
  }
  if (rings.reduce((sum, ring) => sum + ring.points.length + 1, 0) > MAX_POINTS) return problem(filled(gettext("More than %(count)s corners"), { count: MAX_POINTS }));
  const touches = [];
  const segments = segmentsOf(rings);
  const crossed = meetings(segments, touches);
  if (crossed) return crossed;
  for (const area of areas) {
    const found = holeProblem(area, segments) ?? cutProblem(area, touches);
    if (found) return found;
  }
  return overlapProblem(areas, segments);
}
