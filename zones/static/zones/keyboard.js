// The drawing area by keys alone.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEYS = {
  n: (editor) => editor.step(1),
  PageDown: (editor) => editor.step(1),
  p: (editor) => editor.step(-1),
  PageUp: (editor) => editor.step(-1),
  i: (editor) => editor.insert(),
  Insert: (editor) => editor.insert(),
  Delete: (editor) => editor.removeCorner(),
  Backspace: (editor) => editor.removeCorner(),
  Escape: (editor) => editor.leave(),
  "+": (editor) => editor.stage.zoom?.(1),
  "-": (editor) => editor.stage.zoom?.(-1),
};

function enter(editor) {
  if (editor.shape.corner === null) editor.addAtCursor();
  else editor.leave();
}

// Whether the key meant something here.
function act(editor, event) {
  const isCommand = event.ctrlKey || event.metaKey;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (isCommand && key === "z") return event.shiftKey ? editor.redo() : editor.undo();
  if (isCommand && key === "y") return editor.redo();
  if (isCommand || event.altKey) return false;
  if (ARROWS[key]) return editor.nudge(ARROWS[key], event.shiftKey);
  if (key === "Enter" || key === " ") return enter(editor);
  return KEYS[key] ? KEYS[key](editor) : false;
}

export function listen(canvas, editor) {
  canvas.addEventListener("keydown", (event) => {
    // The map's own buttons keep their keys.
    if (event.target === canvas && act(editor, event) !== false) event.preventDefault();
  });
  const focused = (isFocused) => () => {
    editor.isFocused = isFocused;
    editor.drawing.draw();
  };
  canvas.addEventListener("focus", focused(true));
  canvas.addEventListener("blur", focused(false));
}
