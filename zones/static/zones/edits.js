// What can be done to the area, by pointer, key or button, and what is said about it.

import { filled } from "../anpr/base/words.js";
import { Drawing } from "./drawing.js";
import { inside } from "./exact.js";
import { Shape } from "./shape.js";
import { place } from "./validity.js";

export class Editor {
  constructor({ canvas, stages, announce, changed }) {
    this.canvas = canvas;
    this.stages = stages;
    this.announce = announce;
    this.changed = changed;
    // One for each space: who looks at the map for a moment does not lose what is in the picture.
    this.shapes = { image: new Shape(), map: new Shape() };
    this.space = "image";
    this.type = "detection";
    this.neighbours = [];
    this.cursor = [0.5, 0.5];
    this.isAdding = false;
    this.isFocused = false;
    this.moving = null;
    this.problem = null;
    this.drawing = new Drawing(canvas, this);
    for (const stage of Object.values(stages)) stage.changed = () => stage === this.stage && this.drawing.draw();
    stages.map.tapped = (spot) => this.tapped(spot);
  }

  get shape() {
    return this.shapes[this.space];
  }

  get stage() {
    return this.stages[this.space];
  }

  enter(space) {
    this.space = space;
    for (const stage of Object.values(this.stages)) stage.show(stage === this.stage);
    this.cursor = this.stage.centre;
    this.moving = null;
    this.isAdding = this.shape.isEmpty;
    this.look();
  }

  look() {
    this.problem = this.shape.problem(this.space);
    this.drawing.draw();
  }

  // After each edit: check, draw, tell the page, and say it aloud.
  done(message) {
    this.moving = null;
    if (this.shape.isEmpty) this.isAdding = true;
    this.look();
    this.changed();
    if (message) this.announce(message);
  }

  named(corner) {
    return filled(gettext("Corner %(number)s of %(count)s at %(place)s"), { number: corner + 1, count: this.shape.ring.length, place: place(this.shape.ring[corner]) });
  }

  read(text) {
    this.shape.read(text);
    this.isAdding = this.shape.isEmpty;
    this.moving = null;
    this.look();
  }

  tapped(spot) {
    this.cursor = this.stage.toWorld(spot);
    if (this.isAdding) this.addCorner(this.cursor);
    else this.chooseRing(this.cursor);
  }

  addCorner(point) {
    this.shape.add(point);
    this.done(this.named(this.shape.ring.length - 1));
  }

  addAtCursor() {
    this.isAdding = true;
    this.addCorner(this.cursor);
  }

  // The innermost ring that holds the point; none: let go.
  chooseRing(point) {
    let found = null;
    this.shape.polygons.forEach((rings, polygon) => {
      rings.forEach((ring, number) => {
        if (inside(ring, point)) found = [polygon, number];
      });
    });
    if (found) this.shape.choose(...found);
    else this.shape.corner = null;
    this.done(found ? this.ringName() : "");
  }

  ringName() {
    const { polygon, ring } = this.shape.active;
    const text = ring ? gettext("Hole %(hole)s of area %(area)s, %(count)s corners") : gettext("Area %(area)s, %(count)s corners");
    return filled(text, { hole: ring, area: polygon + 1, count: this.shape.ring.length });
  }

  chooseCorner(index) {
    this.shape.corner = index;
    this.done(this.named(index));
  }

  // To the next or previous corner, on to the next ring after the last one.
  step(by) {
    const { shape } = this;
    if (shape.isEmpty) {
      this.announce(gettext("There is no corner yet. Enter adds one."));
      return;
    }
    this.isAdding = false;
    const all = shape.polygons.flatMap((rings, polygon) => rings.flatMap((ring, number) => ring.map((_, corner) => [polygon, number, corner])));
    const { polygon, ring } = shape.active;
    const now = all.findIndex((one) => one[0] === polygon && one[1] === ring && one[2] === (shape.corner ?? 0));
    const next = shape.corner === null ? now : (now + by + all.length) % all.length;
    const isOtherRing = all[next][0] !== polygon || all[next][1] !== ring;
    shape.choose(...all[next]);
    this.stage.reveal(shape.ring[shape.corner]);
    this.done(`${isOtherRing ? `${this.ringName()}. ` : ""}${this.named(shape.corner)}`);
  }

  startMove() {
    this.shape.remember();
  }

  moveCorner(point) {
    this.shape.move(point);
    this.look();
    this.changed();
  }

  moveEnded() {
    this.done(this.named(this.shape.corner));
  }

  // By arrow keys: the chosen corner, or the crosshair. Keys in a row are one step to undo.
  nudge(direction, isLarge) {
    const { corner, ring } = this.shape;
    if (corner === null) {
      this.cursor = this.stage.moved(this.cursor, direction, isLarge);
      this.stage.reveal(this.cursor);
      this.drawing.draw();
      this.announce(place(this.cursor));
      return;
    }
    if (this.moving !== corner) this.shape.remember();
    this.moveCorner(this.stage.moved(ring[corner], direction, isLarge));
    this.moving = corner;
    this.stage.reveal(this.shape.ring[corner]);
    this.announce(place(this.shape.ring[corner]));
  }

  insertAfter(index) {
    const { ring } = this.shape;
    const [a, b] = [ring[index], ring[(index + 1) % ring.length]];
    this.shape.insert(index, this.stage.rounded([(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]));
    this.done(`${gettext("Added")}. ${this.named(index + 1)}`);
  }

  insert() {
    if (this.shape.corner === null || this.shape.ring.length < 2) this.announce(gettext("Choose a corner first."));
    else this.insertAfter(this.shape.corner);
  }

  removeCorner() {
    if (this.shape.corner === null) {
      this.announce(gettext("Choose a corner first."));
      return;
    }
    this.shape.removeCorner();
    this.done(filled(gettext("Corner deleted, %(count)s left"), { count: this.shape.ring.length }));
  }

  finish() {
    const isStarted = this.shape.ring.length > 0;
    this.isAdding = !isStarted;
    this.done(isStarted ? `${gettext("Finished")}. ${this.ringName()}` : "");
  }

  // Of Escape: whether there was something to leave.
  leave() {
    if (this.shape.corner !== null) {
      this.cursor = this.shape.ring[this.shape.corner];
      this.shape.corner = null;
      this.done(gettext("Let go"));
    } else if (this.isAdding && this.shape.ring.length > 0) this.finish();
    else return false;
    return true;
  }

  toggleAdding() {
    if (this.isAdding) {
      this.finish();
      return;
    }
    this.isAdding = true;
    this.shape.corner = null;
    this.done(gettext("Adding corners"));
  }

  startArea() {
    this.shape.startArea();
    this.isAdding = true;
    this.done(gettext("New area: add its corners"));
  }

  startHole() {
    if (this.shape.ring.length < 3) {
      this.announce(gettext("Draw the area first."));
      return;
    }
    this.shape.startHole();
    this.isAdding = true;
    this.done(gettext("New hole: add its corners"));
  }

  removeRing() {
    const name = this.ringName();
    this.shape.removeRing();
    this.done(`${gettext("Deleted")}: ${name}`);
  }

  undo() {
    this.done(this.shape.undo() ? gettext("Undone") : gettext("Nothing to undo"));
  }

  redo() {
    this.done(this.shape.redo() ? gettext("Done again") : gettext("Nothing to do again"));
  }
}
