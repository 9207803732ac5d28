// Names for what the admin's own widgets leave nameless, so that a screen reader can say them.

const SELECT2 = ".select2-container";

// The text of its label; in a table the heading of its column.
function nameOf(field) {
  const label = field.id && document.querySelector(`label[for="${CSS.escape(field.id)}"]`);
  const text = label?.textContent ?? field.closest("[data-label]")?.dataset.label ?? field.closest(".field-line")?.querySelector("label")?.textContent;
  return text?.replace("*", "").trim() ?? "";
}

function say(element, name) {
  if (element && name && element.getAttribute("aria-label") !== name) element.setAttribute("aria-label", name);
}

function nameChoosers() {
  for (const container of document.querySelectorAll(SELECT2)) {
    const select = container.previousElementSibling;
    const box = container.querySelector("[role=combobox]");
    if (!box || !select?.matches("select")) continue;
    const name = nameOf(select);
    // It points to the chosen text, which is empty as long as nothing is chosen.
    if (name) box.removeAttribute("aria-labelledby");
    for (const part of [box, ...container.querySelectorAll("[role=textbox], [role=searchbox]")]) say(part, name);
  }
  for (const search of document.querySelectorAll(".select2-dropdown .select2-search__field")) say(search, window.gettext?.("Search") ?? "Search");
}

function nameTimes() {
  for (const field of document.querySelectorAll(".vDateField, .vTimeField")) {
    if (field.labels.length === 0) say(field, `${nameOf(field)} ${field.previousSibling?.textContent.replace(":", "").trim() ?? ""}`.trim());
  }
}

function nameAll() {
  nameChoosers();
  nameTimes();
  for (const hint of document.querySelectorAll("span.help-tooltip[aria-label]:not([role])")) hint.setAttribute("role", "img");
}

// Choosers are made late, and again with each row that is added.
let isAsked = false;
new MutationObserver(() => {
  if (isAsked) return;
  isAsked = true;
  requestAnimationFrame(() => {
    isAsked = false;
    nameAll();
  });
}).observe(document.documentElement, { childList: true, subtree: true });
nameAll();
