// Times as the viewer's clock shows them, with UTC behind them for who compares with a log.

// 24 hours everywhere: a column of times is compared, not read aloud.
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });

export const localTime = (text) => exact.format(new Date(text));
export const utc = (text) => `${new Date(text).toISOString().replace("T", " ").replace("Z", "")} UTC`;

export function shortTime(text) {
  const moment = new Date(text);
  const isToday = moment.toDateString() === new Date().toDateString();
  return isToday ? clock.format(moment) : `${day.format(moment)} ${clock.format(moment)}`;
}

// Write the moment into a <time> element; `write` is shortTime or localTime.
export function fillTime(element, text, write = localTime) {
  element.dateTime = text;
  element.title = utc(text);
  element.textContent = write(text);
}

export function timeElement(text, write = localTime) {
  const element = document.createElement("time");
  fillTime(element, text, write);
  return element;
}

// What the server wrote into the page in its own zone.
export function localizeTimes(part = document) {
  for (const element of part.querySelectorAll("time[datetime]")) fillTime(element, element.dateTime);
}
