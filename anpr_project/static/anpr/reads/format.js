// How the values of a read are written, in the reader's own language and time zone.

import { filled } from "../base/words.js";

export { fillTime, localTime, shortTime, timeElement, utc } from "../base/times.js";

const LATE_S = 60;
const decimal = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

export const percent = (share) => `${Math.round(share * 100)} %`;
export const number = (value) => decimal.format(value);
export const place = (event) => event.camera_name || event.sensor_name;

// "3 min late" when a read came long after its capture, else an empty text.
export function lateness(event) {
  const seconds = (new Date(event.received_at) - new Date(event.captured_at)) / 1000;
  const late = (text, unit) => filled(text, { count: Math.round(seconds / unit) });
  if (seconds < LATE_S) return "";
  if (seconds < 5400) return late(gettext("%(count)s min late"), 60);
  if (seconds < 129_600) return late(gettext("%(count)s h late"), 3600);
  return late(gettext("%(count)s d late"), 86_400);
}

export function vehicleText(vehicle) {
  if (!vehicle) return "";
  const name = [vehicle.make, vehicle.model].filter(Boolean).join(" ");
  return name || vehicle.type || "";
}

export function level(confidence) {
  if (confidence >= 0.85) return "high";
  return confidence >= 0.6 ? "middle" : "low";
}

export function fillPlate(element, event) {
  element.dataset.region = (event.region || "").toLowerCase();
  element.querySelector(".plate-region").textContent = (event.region || "").toUpperCase();
  element.querySelector(".plate-text").textContent = event.plate;
}

// A confidence as a bar. Set through the object model, which a strict content policy allows.
export function fillBar(element, confidence) {
  element.style.width = `${Math.max(2, confidence * 100)}%`;
  element.dataset.level = level(confidence);
}
