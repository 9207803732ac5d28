// Bars over time, with a line of the time before: plain SVG, drawn anew when its box changes.

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 240;
const MARGIN = { top: 10, right: 8, bottom: 26, left: 48 };
const LABEL_PX = 84;

export function shape(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

// The steps of the scale: 1, 2 or 5 times a power of ten, four of them at most.
function stepOf(highest) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, highest / 4)));
  return [1, 2, 5, 10].map((times) => times * power).find((step) => highest / step <= 4);
}

export class Chart {
  constructor(box) {
    this.box = box;
    this.tip = document.createElement("p");
    this.tip.className = "tip";
    this.tip.hidden = true;
    this.at = null;
    new ResizeObserver(() => this.draw()).observe(box);
  }

  // points: [{start, events}]; before: the same of the time before, or null; write: texts of values
  show({ points, before, title, number, label, describe }) {
    Object.assign(this, { points, before, title, number, label, describe, at: null });
    this.draw();
  }

  draw() {
    const width = this.box.clientWidth;
    if (!this.points || !width) return;
    const highest = Math.max(1, ...[...this.points, ...(this.before || [])].map(({ events }) => events));
    const step = stepOf(highest);
    const top = Math.ceil(highest / step) * step;
    this.slot = (width - MARGIN.left - MARGIN.right) / this.points.length;
    this.y = (events) => HEIGHT - MARGIN.bottom - (events / top) * (HEIGHT - MARGIN.top - MARGIN.bottom);
    this.svg = shape("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": this.title, tabindex: 0 });
    for (let value = 0; value <= top; value += step) this.drawStep(value, width);
    this.drawBars();
    this.drawLabels();
    if (this.before) this.drawBefore();
    this.svg.addEventListener("pointermove", ({ offsetX }) => this.point(Math.floor((offsetX - MARGIN.left) / this.slot)));
    this.svg.addEventListener("pointerleave", () => this.point(null));
    this.svg.addEventListener("blur", () => this.point(null));
    this.svg.addEventListener("keydown", (press) => this.move(press));
    this.box.replaceChildren(this.svg, this.tip);
    this.point(null);
  }

  drawStep(value, width) {
    const y = this.y(value);
    shape("line", { class: "step", x1: MARGIN.left, x2: width - MARGIN.right, y1: y, y2: y }, this.svg);
    shape("text", { class: "scale", x: MARGIN.left - 8, y: y + 4 }, this.svg).textContent = this.number(value);
  }

  left(index) {
    return MARGIN.left + index * this.slot;
  }

  drawBars() {
    const gap = this.slot > 6 ? this.slot * 0.2 : 0.3;
    this.bars = this.points.map(({ events }, index) => {
      const y = this.y(events);
      const sides = { x: this.left(index) + gap / 2, width: Math.max(0.6, this.slot - gap), y, height: this.y(0) - y };
      return shape("rect", { class: "bar-of-time", ...sides, rx: this.slot > 10 ? 2 : 0 }, this.svg);
    });
  }

  drawLabels() {
    const every = Math.ceil(LABEL_PX / this.slot);
    for (let index = 0; index < this.points.length; index += every) {
      const x = every > 1 ? this.left(index) : this.left(index) + this.slot / 2;
      const text = shape("text", { class: every > 1 ? "label" : "label middle", x, y: HEIGHT - 8 }, this.svg);
      text.textContent = this.label(this.points[index].start);
      if (every > 1 && index + every >= this.points.length && (this.points.length - index) * this.slot < LABEL_PX) text.remove();
    }
  }

  drawBefore() {
    const places = this.before.slice(0, this.points.length).map(({ events }, index) => `${this.left(index) + this.slot / 2},${this.y(events)}`);
    shape("polyline", { class: "before", points: places.join(" ") }, this.svg);
  }

  move(press) {
    const steps = { ArrowRight: 1, ArrowLeft: -1 };
    if (press.key === "Escape") this.point(null);
    if (!steps[press.key]) return;
    press.preventDefault();
    this.point(this.at === null ? 0 : Math.min(this.points.length - 1, Math.max(0, this.at + steps[press.key])));
  }

  point(index) {
    this.bars[this.at]?.classList.remove("pointed");
    this.at = index !== null && this.points[index] ? index : null;
    this.tip.hidden = this.at === null;
    if (this.at === null) return;
    this.bars[this.at].classList.add("pointed");
    this.tip.textContent = this.describe(this.points[this.at], this.before?.[this.at]);
    const middle = this.left(this.at) + this.slot / 2;
    const room = this.box.clientWidth - this.tip.offsetWidth;
    this.tip.style.left = `${Math.max(0, Math.min(room, middle - this.tip.offsetWidth / 2))}px`;
  }
}
