// Which time is counted, by the viewer's clock, and how the server's hours make up the viewer's days.

const DAY_MS = 86_400_000;
// The server gives 5,000 steps at most: beyond, its own days are taken, which are UTC.
const MOST_DAYS_BY_HOUR = 200;

export const midnight = (moment) => new Date(moment.getFullYear(), moment.getMonth(), moment.getDate());

export function shifted(moment, days) {
  const other = new Date(moment);
  other.setDate(other.getDate() + days);
  return other;
}

const ofDate = (text) => (text ? new Date(`${text}T00:00`) : null);

// {start, end} of what the form asks for; null while the dates make no range.
export function chosenRange({ range, from, to }, now = new Date()) {
  if (range !== "custom") {
    const days = range === "today" ? 1 : Number(range);
    return { start: shifted(midnight(now), 1 - days), end: now };
  }
  const [start, last] = [ofDate(from), ofDate(to)];
  if (!start || !last || last < start) return null;
  return { start, end: shifted(last, 1) };
}

// As many whole weeks back as the range is long, so that Mondays lie on Mondays.
export function weeksBefore({ start, end }) {
  return Math.ceil((end - start) / DAY_MS / 7) || 1;
}

export const before = ({ start, end }, weeks) => ({ start: shifted(start, -7 * weeks), end: shifted(end, -7 * weeks) });

export const isByHour = ({ start, end }) => (end - start) / DAY_MS <= MOST_DAYS_BY_HOUR;

export function serverBucket(range, bucket) {
  if (isByHour(range)) return "hour";
  return bucket === "week" ? "week" : "day";
}

const STARTS = {
  hour: (moment) => new Date(moment.getFullYear(), moment.getMonth(), moment.getDate(), moment.getHours()),
  day: midnight,
  week: (moment) => shifted(midnight(moment), -((moment.getDay() + 6) % 7)),
};

// Add up the server's steps to the viewer's hours, days or weeks.
export function grouped(series, range, bucket) {
  const groups = new Map();
  for (const { start: text, events, mean_confidence: confidence } of series) {
    const moment = new Date(Math.max(new Date(text), range.start));
    const start = isByHour(range) ? STARTS[bucket](moment) : new Date(text);
    const group = groups.get(+start) || { start, events: 0, confidence: 0 };
    group.events += events;
    group.confidence += events * confidence;
    groups.set(+start, group);
  }
  return [...groups.values()];
}

export function labelOf(range, bucket) {
  const zone = isByHour(range) ? {} : { timeZone: "UTC" };
  const parts = { day: "numeric", month: "short", ...zone };
  const long = new Intl.DateTimeFormat(undefined, {
    weekday: "short",
    ...parts,
    ...(bucket === "hour" && isByHour(range) ? { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } : {}),
  });
  const isOneDay = range.end - range.start <= DAY_MS * 1.05;
  const short = new Intl.DateTimeFormat(undefined, isOneDay ? { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } : parts);
  return { long: (moment) => long.format(moment), short: (moment) => short.format(moment) };
}
