// One row of the list. Rows are used again for other reads: making and collecting them is what costs.

import * as format from "../reads/format.js";

export class Row {
  constructor(template) {
    this.item = template.content.firstElementChild.cloneNode(true);
    this.item.row = this;
    const part = (name) => this.item.querySelector(name);
    this.button = part(".read");
    this.button.tabIndex = -1;
    this.image = part("img");
    this.plate = part(".plate");
    this.camera = part(".camera");
    this.zone = part(".zone");
    this.vehicle = part(".vehicle-text");
    this.swatch = part(".swatch");
    this.fill = part(".fill");
    this.percent = part(".percent");
    this.time = part("time");
    this.late = part(".late");
    this.watched = part(".watched");
    this.isNear = false; // in view or almost: kept by the crops
  }

  show(event, isWatched) {
    this.event = event;
    this.item.dataset.id = event.id;
    format.fillPlate(this.plate, event);
    this.camera.textContent = format.place(event);
    this.zone.textContent = event.zone_name || "";
    this.vehicle.textContent = format.vehicleText(event.vehicle);
    this.swatch.dataset.color = (event.vehicle?.color || "").toLowerCase();
    this.swatch.title = event.vehicle?.color || "";
    format.fillBar(this.fill, event.confidence);
    this.percent.textContent = format.percent(event.confidence);
    format.fillTime(this.time, event.captured_at, format.shortTime);
    this.late.textContent = format.lateness(event);
    this.showWatched(isWatched);
  }

  showWatched(isWatched) {
    this.watched.hidden = !isWatched;
    this.item.classList.toggle("is-watched", isWatched);
  }

  mark(isMarked) {
    if (isMarked) this.button.setAttribute("aria-current", "true");
    else this.button.removeAttribute("aria-current");
  }
}
