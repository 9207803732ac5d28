// What every page has: the times of the server in the viewer's zone, the theme switch, and on a phone the menu.
// The switch goes system -> the other one -> back to the system's.

import { localizeTimes } from "./times.js";

const root = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
const button = document.getElementById("theme");

function show() {
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
  button.setAttribute("aria-pressed", String(isDark));
}

button?.addEventListener("click", () => {
  if (root.dataset.theme) {
    delete root.dataset.theme;
    localStorage.removeItem("theme");
  } else {
    root.dataset.theme = dark.matches ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
  }
  show();
});
dark.addEventListener("change", show);
if (button) show();
localizeTimes();

const menu = document.getElementById("menu");
const isOpen = () => menu.getAttribute("aria-expanded") === "true";

menu?.addEventListener("click", () => menu.setAttribute("aria-expanded", String(!isOpen())));
document.addEventListener("click", (event) => {
  if (menu && isOpen() && !event.target.closest("#pages, #menu")) menu.setAttribute("aria-expanded", "false");
});
document.addEventListener("keydown", (event) => {
  if (!menu || event.key !== "Escape" || !isOpen()) return;
  menu.setAttribute("aria-expanded", "false");
  menu.focus();
});
