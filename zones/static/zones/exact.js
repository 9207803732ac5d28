// Where points, segments and rings lie to each other, decided exactly: a check that rounds would
// disagree with the server's on shapes that touch.

// Above this share of the products' size the sign of the rounded result is the true one.
const ROUNDING = 4 * Number.EPSILON;
// Every coordinate times 2^1000 is a whole number, and still no overflow up to 180.
const SCALE = 2 ** 1000;

export const same = (a, b) => a[0] === b[0] && a[1] === b[1];

function exactSide(a, b, c) {
  const whole = (value) => BigInt(value * SCALE);
  const [ax, ay] = a.map(whole);
  const [bx, by] = b.map(whole);
  const [cx, cy] = c.map(whole);
  const turn = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
  return turn > 0n ? 1 : turn < 0n ? -1 : 0;
}

// 1 or -1: the side of the line through a and b on which c lies; 0: on the line.
export function side(a, b, c) {
  // Sides of a ring share their ends: not worth the exact way.
  if (same(a, c) || same(b, c)) return 0;
  const left = (b[0] - a[0]) * (c[1] - a[1]);
  const right = (b[1] - a[1]) * (c[0] - a[0]);
  const turn = left - right;
  if (Math.abs(turn) > ROUNDING * (Math.abs(left) + Math.abs(right))) return Math.sign(turn);
  return exactSide(a, b, c);
}

const between = (low, value, high) => Math.min(low, high) <= value && value <= Math.max(low, high);
const inBox = (a, b, c) => between(a[0], c[0], b[0]) && between(a[1], c[1], b[1]);

function crossing(a, b, c, d) {
  const [x, y] = [b[0] - a[0], b[1] - a[1]];
  const [u, v] = [d[0] - c[0], d[1] - c[1]];
  const share = ((c[0] - a[0]) * v - (c[1] - a[1]) * u) / (x * v - y * u);
  return [a[0] + share * x, a[1] + share * y];
}

// How the segments a-b and c-d meet: null, or {kind: "cross" | "touch" | "overlap", at: point}.
export function meeting(a, b, c, d) {
  const sides = [side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)];
  if (sides[0] * sides[1] < 0 && sides[2] * sides[3] < 0) return { kind: "cross", at: crossing(a, b, c, d) };
  const shared = [];
  const note = (point) => shared.some((known) => same(known, point)) || shared.push(point);
  if (sides[0] === 0 && inBox(a, b, c)) note(c);
  if (sides[1] === 0 && inBox(a, b, d)) note(d);
  if (sides[2] === 0 && inBox(c, d, a)) note(a);
  if (sides[3] === 0 && inBox(c, d, b)) note(b);
  if (shared.length === 0) return null;
  return { kind: shared.length > 1 ? "overlap" : "touch", at: shared[0] };
}

// Whether the ring holds the point, which must not lie on its border.
export function inside(ring, point) {
  let isInside = false;
  ring.forEach((b, index) => {
    const a = ring.at(index - 1);
    if (a[1] > point[1] === b[1] > point[1]) return;
    const [low, high] = a[1] < b[1] ? [a, b] : [b, a];
    if (side(low, high, point) > 0) isInside = !isInside;
  });
  return isInside;
}
