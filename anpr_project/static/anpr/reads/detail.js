// One read in full: its picture with the plate marked, what is known of vehicle and tyres.

import * as format from "./format.js";

const MARGIN = 6;
const WORDS = new Set(["Vehicle", "Type", "Movement"]);

function fact(list, name, value, title) {
  if (value === null || value === undefined || value === "") return;
  const group = document.createElement("div");
  const term = document.createElement("dt");
  const text = document.createElement("dd");
  term.textContent = name;
  text.textContent = value;
  if (title) text.title = title;
  if (WORDS.has(name)) text.className = "capital";
  group.append(term, text);
  list.append(group);
}

function facts(list, event) {
  const vehicle = event.vehicle || {};
  const late = format.lateness(event);
  fact(list, "Camera", event.camera_name || "none");
  fact(list, "Zone", event.zone_name || "none");
  fact(list, "Captured", format.localTime(event.captured_at), format.utc(event.captured_at));
  fact(list, "Received", format.localTime(event.received_at) + (late && ` (${late})`), format.utc(event.received_at));
  fact(list, "Confidence", format.percent(event.confidence));
  fact(list, "Vehicle", [vehicle.color, vehicle.make, vehicle.model].filter(Boolean).join(" "));
  fact(list, "Type", [vehicle.type, vehicle.year].filter(Boolean).join(", "));
  fact(list, "Movement", [vehicle.direction, vehicle.speed_kmh != null && `${format.number(vehicle.speed_kmh)} km/h`].filter(Boolean).join(", "));
  const place = event.location;
  fact(list, "Place", place && `${place.latitude.toFixed(5)}, ${place.longitude.toFixed(5)}`);
  fact(list, "Sensor", event.sensor_name + (event.sequence == null ? "" : ` #${event.sequence}`));
  fact(list, "Event", `${event.id}`, event.event_id);
}

function candidates(section, event) {
  section.hidden = event.candidates.length === 0;
  for (const { plate, confidence } of event.candidates) {
    const item = document.createElement("li");
    const text = document.createElement("code");
    const track = document.createElement("span");
    const fill = document.createElement("span");
    const share = document.createElement("span");
    text.textContent = plate;
    track.className = "track";
    fill.className = "fill";
    format.fillBar(fill, confidence);
    share.textContent = format.percent(confidence);
    track.append(fill);
    item.append(text, track, share);
    section.querySelector("ul").append(item);
  }
}

function tyres(section, event) {
  section.hidden = event.tpms.length === 0;
  const shown = (value) => (value === null ? "–" : format.number(value));
  const batteries = { true: "ok", false: "low", null: "–" };
  for (const tyre of event.tpms) {
    const row = section.querySelector("tbody").insertRow();
    const texts = [tyre.id, shown(tyre.pressure_kpa), shown(tyre.temperature_c), batteries[tyre.battery_ok]];
    for (const text of texts) row.insertCell().textContent = text;
  }
}

function frame(box, event) {
  const image = box.querySelector(".frame-image");
  const overlay = box.querySelector(".overlay");
  if (!event.frame_url) return;
  box.querySelector(".no-frame").hidden = true;
  image.onload = () => {
    overlay.setAttribute("viewBox", `0 0 ${image.naturalWidth} ${image.naturalHeight}`);
    overlay.toggleAttribute("hidden", !event.bbox);
  };
  image.onerror = () => {
    image.hidden = true;
    box.querySelector(".no-frame").hidden = false;
    box.querySelector(".no-frame").textContent = "The picture is no longer kept.";
  };
  image.alt = `Picture of ${event.plate} at ${event.camera_name || event.sensor_name}`;
  image.hidden = false;
  image.src = event.frame_url;
  if (!event.bbox) return;
  const [x, y, width, height] = event.bbox;
  const rectangle = overlay.querySelector("rect");
  const sides = { x: x - MARGIN, y: y - MARGIN, width: width + 2 * MARGIN, height: height + 2 * MARGIN };
  for (const [name, value] of Object.entries(sides)) rectangle.setAttribute(name, value);
}

// Fill `body` with the read; `onPlate` is called when all reads of its plate are asked for.
export function show(body, template, event, onPlate) {
  const content = template.content.cloneNode(true);
  const part = (name) => content.querySelector(name);
  frame(part(".frame"), event);
  format.fillPlate(part(".plate"), event);
  if (event.crop_url) {
    part(".crop").src = event.crop_url;
    part(".crop").hidden = false;
  }
  facts(part(".facts"), event);
  candidates(part(".candidates"), event);
  tyres(part(".tyres"), event);
  part(".only-plate").addEventListener("click", () => onPlate(event.plate_normalized));
  const admin = document.body.dataset.admin;
  if (admin) {
    part(".in-admin").href = `${admin}${event.id}/change/`;
    part(".in-admin").hidden = false;
  }
  body.replaceChildren(content);
}
