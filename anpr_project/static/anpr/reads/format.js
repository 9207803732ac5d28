// How values are written, in the reader's own language and time zone.

const LATE_S = 60;
// 24 hours everywhere: a column of times is compared, not read aloud.
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const decimal = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

export const percent = (share) => `${Math.round(share * 100)} %`;
export const number = (value) => decimal.format(value);
export const localTime = (text) => exact.format(new Date(text));
export const utc = (text) => `${new Date(text).toISOString().replace("T", " ").replace("Z", "")} UTC`;

export function shortTime(text) {
  const moment = new Date(text);
  const isToday = moment.toDateString() === new Date().toDateString();
  return isToday ? clock.format(moment) : `${day.format(moment)} ${clock.format(moment)}`;
}

// "3 min late" when a read came long after its capture, else an empty text.
export function lateness(event) {
  const seconds = (new Date(event.received_at) - new Date(event.captured_at)) / 1000;
  if (seconds < LATE_S) return "";
  if (seconds < 5400) return `${Math.round(seconds / 60)} min late`;
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h late`;
  return `${Math.round(seconds / 86_400)} d late`;
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
