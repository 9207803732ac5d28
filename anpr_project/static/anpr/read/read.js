// The page of one read: the read, what is around it, and the way to its neighbours.

import { filled } from "../base/words.js";
import * as around from "../reads/around.js";
import * as detail from "../reads/detail.js";

const find = (id) => document.getElementById(id);
const main = find("main");

function onlyPlate(plate) {
  location.assign(`/search?${new URLSearchParams({ plate })}`);
}

function lead(link, read) {
  if (!read) return;
  link.href = `/events/${read.id}`;
  link.hidden = false;
}

async function load() {
  const { signal } = new AbortController();
  const read = await around.one(main.dataset.read, signal);
  if (!read) throw new Error(gettext("it is no longer kept"));
  document.title = `${read.plate} · ANPR Cloud`;
  find("read-title").textContent = filled(gettext("Read of %(plate)s"), { plate: read.plate });
  detail.show(find("detail"), find("detail-template"), read, onlyPlate);
  find("detail").querySelector(".to-read").hidden = true;
  const beside = await around.show(find("detail"), read, signal);
  lead(find("older"), beside.older);
  lead(find("newer"), beside.newer);
}

// As in a book: left is earlier.
addEventListener("keydown", ({ key, target, altKey, ctrlKey, metaKey }) => {
  if (altKey || ctrlKey || metaKey || target.closest("input, select, textarea")) return;
  const link = { ArrowLeft: find("older"), ArrowRight: find("newer") }[key];
  if (link && !link.hidden) link.click();
});

load().catch((error) => {
  find("problem").textContent = filled(gettext("The read could not be loaded: %(reason)s"), { reason: error.message });
  find("problem").hidden = false;
});
