// The page of one zone: fields, drawing and GeoJSON say the same, whichever of them is edited.

import { Editor } from "./edits.js";
import { ImageStage } from "./image_stage.js";
import { listen } from "./keyboard.js";
import { MapStage } from "./map_stage.js";
import { Scene } from "./scene.js";

const root = document.getElementById("zone-editor");
const part = (name) => root.querySelector(`[data-part="${name}"]`);
const form = root.closest("form");
const text = form.elements.geometry;
const space = form.elements.space;
const type = form.elements.zone_type;
const canvas = part("canvas");
const actions = {
  add: "toggleAdding",
  insert: "insert",
  remove: "removeCorner",
  undo: "undo",
  redo: "redo",
  area: "startArea",
  hole: "startHole",
  drop: "removeRing",
};
const buttons = Object.fromEntries(Object.keys(actions).map((name) => [name, root.querySelector(`[data-action="${name}"]`)]));
let textProblem = "";

function announce(message) {
  part("announcer").textContent = message;
}

function say(message) {
  const box = part("problem");
  if (box.textContent !== message) box.textContent = message;
  box.hidden = !message;
  text.setAttribute("aria-invalid", String(Boolean(message)));
}

function status() {
  if (!editor.isAdding) return "";
  const count = editor.shape.ring.length;
  if (count === 0) return gettext("Click or tap where the first corner is.");
  return count < 3 ? gettext("Click or tap the next corner.") : gettext("Click the first corner, or press Escape, to finish.");
}

function show() {
  const { shape, problem, isAdding } = editor;
  // A half-drawn outline is not yet wrong, unless it crosses itself.
  const isStarted = isAdding && shape.ring.length < 3;
  say(textProblem || (problem && !isStarted ? `${problem.message}.` : ""));
  part("status").textContent = status();
  buttons.add.setAttribute("aria-pressed", String(isAdding));
  buttons.insert.disabled = buttons.remove.disabled = shape.corner === null;
  buttons.undo.disabled = shape.past.length === 0;
  buttons.redo.disabled = shape.future.length === 0;
  buttons.area.disabled = buttons.drop.disabled = shape.isEmpty;
  buttons.hole.disabled = shape.ring.length < 3 || shape.active.ring > 0;
}

const editor = new Editor({
  canvas,
  stages: { image: new ImageStage(canvas), map: new MapStage(canvas, root.dataset) },
  announce,
  changed() {
    textProblem = "";
    text.value = editor.shape.text();
    show();
  },
});
const scene = new Scene(root, editor, form);

function read() {
  try {
    editor.read(text.value);
    textProblem = "";
  } catch (error) {
    textProblem = error instanceof SyntaxError ? `${gettext("This is not JSON")}: ${error.message}.` : `${error.message}.`;
  }
  show();
}

async function enter() {
  if (space.value === "map") await editor.stages.map.open();
  editor.type = type.value || "detection";
  if (editor.space !== space.value) {
    editor.enter(space.value === "map" ? "map" : "image");
    text.value = editor.shape.text();
    textProblem = "";
  }
  show();
  await scene.arrange();
}

function start() {
  for (const [name, method] of Object.entries(actions)) {
    buttons[name].addEventListener("click", () => {
      editor[method]();
      canvas.focus({ preventScroll: true });
    });
  }
  listen(canvas, editor);
  text.addEventListener("input", read);
  text.addEventListener("change", () => {
    if (!textProblem) text.value = editor.shape.text();
  });
  space.addEventListener("change", enter);
  type.addEventListener("change", () => {
    editor.type = type.value;
    editor.drawing.draw();
  });
  form.addEventListener("submit", (event) => {
    if (part("problem").hidden && !editor.problem) return;
    event.preventDefault();
    say(part("problem").textContent || `${editor.problem.message}.`);
    part("problem").scrollIntoView({ block: "center" });
    part("problem").focus();
  });
}

async function begin() {
  // Without script the text alone is the form's field.
  root.dataset.ready = "";
  start();
  const first = space.value === "map" ? "map" : "image";
  if (first === "map") await editor.stages.map.open();
  editor.space = first;
  editor.type = type.value || "detection";
  read();
  if (!textProblem) text.value = editor.shape.text();
  // What the form was opened with is not an edit.
  editor.shape.past = [];
  editor.enter(first);
  show();
  await scene.begin();
}

begin();
