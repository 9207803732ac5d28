// Where the viewer says which plates to watch for, and how to be told.

import * as alarm from "./alarm.js";
import { filled } from "../base/words.js";

const find = (id) => document.getElementById(id);
const dialog = find("watch-dialog");
let list = null;

const NOTICES = {
  insecure: gettext("Browsers allow desktop notices only over HTTPS."),
  denied: gettext("Desktop notices are blocked: allow them in the browser's settings of this site."),
};

export function openDialog(watchList) {
  list = watchList;
  show();
  dialog.showModal();
}

function show() {
  find("watch-patterns").replaceChildren(...list.patterns.map(entry));
  find("watch-none").hidden = list.patterns.length > 0;
  find("watch-look-alikes").checked = list.options.lookAlikes;
  find("watch-sound").checked = list.options.sound;
  const permission = alarm.permission();
  find("watch-notice").checked = list.options.notice && permission === "granted";
  find("watch-notice").disabled = permission === "insecure";
  find("watch-notice-hint").textContent = NOTICES[permission] || "";
}

function entry(pattern) {
  const item = document.createElement("li");
  const text = document.createElement("code");
  const button = document.createElement("button");
  text.textContent = pattern;
  button.type = "button";
  button.className = "quiet";
  button.textContent = "✕";
  button.setAttribute("aria-label", filled(gettext("Watch no more for %(plate)s"), { plate: pattern }));
  button.addEventListener("click", () => {
    list.remove(pattern);
    show();
    find("watch-plate").focus();
  });
  item.append(text, button);
  return item;
}

find("watch-form").addEventListener("submit", (submission) => {
  submission.preventDefault();
  const field = find("watch-plate");
  if (list.add(field.value)) field.value = "";
  if (list.options.sound) alarm.wake();
  show();
  field.focus();
});
find("watch-look-alikes").addEventListener("change", ({ target }) => list.change({ lookAlikes: target.checked }));
find("watch-sound").addEventListener("change", async ({ target }) => {
  list.change({ sound: target.checked });
  if (!target.checked) return;
  await alarm.wake();
  alarm.ring(); // so that one knows what to listen for
});
find("watch-notice").addEventListener("change", async ({ target }) => {
  // Asked here and nowhere else: only who wants notices is bothered with the question.
  const isAllowed = target.checked && (await alarm.askPermission()) === "granted";
  list.change({ notice: isAllowed });
  show();
});
find("watch-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
