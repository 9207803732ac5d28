// One read in full: its picture with the plate marked, what is known of vehicle and tyres.

import { filled } from "../base/words.js";
import * as format from "./format.js";

const MARGIN = 6;

function fact(list, name, value, { isWord = false, title = "" } = {}) {
  if (value === null || value === undefined || value === "") return;
  const group = document.createElement("div");
  const term = document.createElement("dt");
  const text = document.createElement("dd");
  term.textContent = name;
  text.append(...[value].flat());
  text.title = title;
  text.classList.toggle("capital", isWord);
  group.append(term, text);
  list.append(group);
}

function facts(list, event) {
  const vehicle = event.vehicle || {};
  const late = format.lateness(event);
  const isWord = true;
  fact(list, gettext("Camera"), event.camera_name || gettext("none"));
  fact(list, gettext("Zone"), event.zone_name || gettext("none"));
  fact(list, gettext("Captured"), format.timeElement(event.captured_at));
  fact(list, gettext("Received"), [format.timeElement(event.received_at), late && ` (${late})`]);
  fact(list, gettext("Confidence"), format.percent(event.confidence));
  fact(list, gettext("Vehicle"), [vehicle.color, vehicle.make, vehicle.model].filter(Boolean).join(" "), { isWord });
  fact(list, gettext("Type"), [vehicle.type, vehicle.year].filter(Boolean).join(", "), { isWord });
  fact(list, gettext("Movement"), [vehicle.direction, vehicle.speed_kmh != null && `${format.number(vehicle.speed_kmh)} km/h`].filter(Boolean).join(", "), { isWord });
  const place = event.location;
  fact(list, gettext("Place"), place && `${place.latitude.toFixed(5)}, ${place.longitude.toFixed(5)}`);
  fact(list, gettext("Sensor"), event.sensor_name + (event.sequence == null ? "" : ` #${event.sequence}`));
  fact(list, gettext("Read"), `${event.id}`, { title: event.event_id });
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
  const batteries = { true: gettext("ok"), false: gettext("low"), null: "–" };
  for (const tyre of event.tpms) {
    const row = section.querySelector("tbody").insertRow();
    const texts = [tyre.id, shown(tyre.pressure_kpa), shown(tyre.temperature_c), batteries[tyre.battery_ok]];
    for (const text of texts) row.insertCell().textContent = text;
  }
}

function noLonger(box) {
  box.querySelector(".no-frame").hidden = false;
  box.querySelector(".no-frame").textContent = gettext("The picture is no longer kept.");
}

function frame(box, event) {
  const image = box.querySelector(".frame-image");
  const overlay = box.querySelector(".overlay");
  if (event.frame_sha256 && !event.frame_url) noLonger(box);
  if (!event.frame_url) return;
  box.querySelector(".no-frame").hidden = true;
  image.onload = () => {
    overlay.setAttribute("viewBox", `0 0 ${image.naturalWidth} ${image.naturalHeight}`);
    overlay.toggleAttribute("hidden", !event.bbox);
  };
  image.onerror = () => {
    image.hidden = true;
    noLonger(box);
  };
  image.alt = filled(gettext("Picture of %(plate)s at %(place)s"), { plate: event.plate, place: format.place(event) });
  image.hidden = false;
  image.src = event.frame_url;
  if (!event.bbox) return;
  const [x, y, width, height] = event.bbox;
  const rectangle = overlay.querySelector("rect");
  const sides = { x: x - MARGIN, y: y - MARGIN, width: width + 2 * MARGIN, height: height + 2 * MARGIN };
  for (const [name, value] of Object.entries(sides)) rectangle.setAttribute(name, value);
}

function links(part, event, onPlate) {
  part(".only-plate").addEventListener("click", () => onPlate(event.plate_normalized));
  part(".to-read").href = `/events/${event.id}`;
  const evidence = part(".evidence"); // for those who may take one
  if (evidence) evidence.href = `/api/v1/events/evidence?event=${event.id}`;
  const admin = document.body.dataset.admin;
  if (!admin) return;
  part(".in-admin").href = `${admin}${event.id}/change/`;
  part(".in-admin").hidden = false;
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
  links(part, event, onPlate);
  body.replaceChildren(content);
}
