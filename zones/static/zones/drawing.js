// Draws the area, its corners and the neighbours over the ground, and turns pointers into edits.

const SVG = "http://www.w3.org/2000/svg";
const MOST_MIDDLES = 60;
// Corners of a ring beyond this number are moved by keyboard or text; as handles they would hide it.
const MOST_HANDLES = 400;
const TWICE_MS = 350;

function node(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];

export class Drawing {
  // editor: {shape, stage, cursor, isAdding, neighbours, type, problem, ...} and what pointers ask for.
  constructor(canvas, editor) {
    this.canvas = canvas;
    this.editor = editor;
    this.svg = canvas.querySelector(".overlay");
    this.svg.addEventListener("pointerdown", (event) => this.pressed(event));
    this.last = { index: -1, at: 0 };
    canvas.querySelector(".frame-ground").addEventListener("click", (event) => editor.tapped(this.spot(event)));
    canvas.addEventListener("pointermove", (event) => this.hovered(event));
    canvas.addEventListener("pointerleave", () => this.hover(null));
  }

  spot(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left - this.canvas.clientLeft, event.clientY - box.top - this.canvas.clientTop];
  }

  path(rings) {
    const at = (point) => this.editor.stage.toScreen(point).map((value) => value.toFixed(1)).join(" ");
    return rings.filter((ring) => ring.length).map((ring) => `M${ring.map(at).join("L")}Z`).join("");
  }

  draw() {
    const { shape, stage, problem } = this.editor;
    const parts = [...this.grid(stage.grid ?? []), ...this.neighbours()];
    for (const [index, rings] of shape.polygons.entries()) {
      const isActive = index === shape.active.polygon;
      parts.push(node("path", { d: this.path(rings), class: `area${isActive ? " active" : ""}`, "data-type": this.editor.type }));
    }
    parts.push(...this.lead(), ...this.handles(), ...this.crosshair());
    if (problem?.at) {
      const [x, y] = stage.toScreen(problem.at);
      parts.push(node("circle", { cx: x, cy: y, r: 14, class: "wrong" }));
    }
    this.svg.replaceChildren(...parts);
  }

  grid(lines) {
    return lines.flatMap(([from, to, label]) => {
      const [[x1, y1], [x2, y2]] = [from, to].map((point) => this.editor.stage.toScreen(point));
      const isUpright = Math.abs(x1 - x2) < 1;
      const place = isUpright ? { x: x1 + 4, y: Math.max(y1, y2) - 6 } : { x: Math.max(x1, x2) - 6, y: y1 - 4, "text-anchor": "end" };
      return [node("line", { x1, y1, x2, y2, class: "grid" }), node("text", { ...place, class: "grid-label" }, label)];
    });
  }

  neighbours() {
    return this.editor.neighbours.flatMap(({ zone, polygons }) => {
      const [x, y] = this.editor.stage.toScreen(polygons[0][0].reduce((top, point) => (point[1] < top[1] ? point : top)));
      const title = node("text", { x: x + 8, y: y + 18, class: "name", "data-type": zone.zone_type }, zone.name);
      return [node("path", { d: polygons.map((rings) => this.path(rings)).join(""), class: "neighbour", "data-type": zone.zone_type }), title];
    });
  }

  // While corners are added: from the last one to the pointer, and back to the first.
  lead() {
    const { shape, stage, cursor, isAdding } = this.editor;
    const at = this.hovering ?? (this.editor.isFocused ? stage.toScreen(cursor) : null);
    if (!isAdding || !at || shape.ring.length === 0) return [];
    const ends = [shape.ring.at(-1), shape.ring[0]].map((point) => stage.toScreen(point));
    return ends.map(([x, y]) => node("line", { x1: x, y1: y, x2: at[0], y2: at[1], class: "lead" }));
  }

  handles() {
    const { shape, stage, isAdding } = this.editor;
    const ring = shape.ring.length > MOST_HANDLES ? [] : shape.ring;
    const points = ring.map((point) => stage.toScreen(point));
    const made = [];
    if (!isAdding && ring.length > 2 && ring.length <= MOST_MIDDLES) {
      points.forEach(([x, y], index) => {
        const [left, top] = middle([x, y], points[(index + 1) % points.length]);
        made.push(this.handle(left, top, 5, "middle", index));
      });
    }
    points.forEach(([x, y], index) => {
      made.push(this.handle(x, y, index === shape.corner ? 9 : 7, index === shape.corner ? "corner chosen" : "corner", index));
    });
    return made;
  }

  handle(x, y, radius, name, index) {
    const group = node("g", { class: name, "data-index": index, "data-type": this.editor.type });
    // A finger is wider than the dot.
    group.append(node("circle", { cx: x, cy: y, r: name === "middle" ? 12 : 17, class: "reach" }), node("circle", { cx: x, cy: y, r: radius }));
    return group;
  }

  crosshair() {
    const { stage, cursor, shape, isFocused } = this.editor;
    if (!isFocused || shape.corner !== null) return [];
    const [x, y] = stage.toScreen(cursor);
    return [node("path", { d: `M${x - 14} ${y}H${x + 14}M${x} ${y - 14}V${y + 14}`, class: "crosshair" })];
  }

  hover(at) {
    this.hovering = at;
    if (this.editor.isAdding) this.draw();
  }

  hovered(event) {
    if (event.pointerType === "mouse") this.hover(this.spot(event));
  }

  pressed(event) {
    const group = event.target.closest("g");
    if (!group || event.button !== 0) return;
    event.preventDefault();
    this.canvas.focus({ preventScroll: true });
    const index = Number(group.dataset.index);
    if (this.editor.isAdding && index === 0) {
      this.editor.finish();
      return;
    }
    if (group.classList.contains("middle")) this.editor.insertAfter(index);
    else this.editor.chooseCorner(index);
    if (this.isSecondPress(index)) this.editor.removeCorner();
    else this.drag(event);
  }

  // Not the browser's own double click: the handle is drawn anew between the two.
  isSecondPress(index) {
    const isSecond = this.last.index === index && performance.now() - this.last.at < TWICE_MS;
    this.last = { index: isSecond ? -1 : index, at: performance.now() };
    return isSecond;
  }

  // The canvas keeps the pointer: the handle itself is drawn anew at each move.
  drag(pressed) {
    const stop = new AbortController();
    const on = (name, handler) => this.canvas.addEventListener(name, handler, { signal: stop.signal });
    let isMoved = false;
    this.canvas.setPointerCapture(pressed.pointerId);
    on("pointermove", (event) => {
      if (event.pointerId !== pressed.pointerId) return;
      const far = Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY);
      // A trembling finger chooses a corner and does not move it.
      if (!isMoved && far < 3) return;
      if (!isMoved) this.editor.startMove();
      isMoved = true;
      this.last.index = -1;
      this.editor.moveCorner(this.editor.stage.toWorld(this.spot(event)));
    });
    const end = () => {
      stop.abort();
      if (isMoved) this.editor.moveEnded();
    };
    on("pointerup", end);
    on("pointercancel", end);
  }
}
