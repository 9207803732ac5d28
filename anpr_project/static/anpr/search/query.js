// The form as a query of the API, and back. The page's address holds the very same query.

const TIMES = ["captured_after", "captured_before"];
const TEXTS = ["camera", "zone", "vehicle_type", "vehicle_make", "vehicle_color", "region", "has_frame", "tpms_id"];
const MORE = ["vehicle_type", "vehicle_make", "vehicle_color", "region", "has_frame", "tpms_id", "min_confidence"];
// Of no filter: where one is in the result.
const PLACES = ["cursor", "limit"];

const pad = (number) => String(number).padStart(2, "0");

// "2026-11-25T10:00" of the viewer's clock, as fields of local times hold it; seconds where there are any.
export function localText(moment) {
  const date = [moment.getFullYear(), pad(moment.getMonth() + 1), pad(moment.getDate())].join("-");
  const time = [moment.getHours(), moment.getMinutes(), ...(moment.getSeconds() ? [moment.getSeconds()] : [])];
  return `${date}T${time.map(pad).join(":")}`;
}

function utcText(local) {
  const moment = new Date(local);
  return Number.isNaN(moment.getTime()) ? "" : moment.toISOString().replace(".000Z", "Z");
}

export class Form {
  constructor(element) {
    this.element = element;
    this.fields = element.elements;
    this.others = []; // filters of the address that the form has no field for
  }

  // Return what the API is asked for, without the place in the result.
  query() {
    const query = new URLSearchParams();
    const add = (name, value) => value && query.append(name, value);
    add(this.fields.similar.checked ? "similar" : "plate", this.fields.plate.value.trim());
    for (const name of TIMES) add(name, utcText(this.fields[name].value));
    for (const name of TEXTS) add(name, this.fields[name].value.trim());
    const percent = this.fields.min_confidence.value;
    if (percent) query.append("min_confidence", Number((percent / 100).toFixed(6)));
    for (const [name, value] of this.others) query.append(name, value);
    return query;
  }

  show(query) {
    this.element.reset();
    this.others = [];
    for (const [name, value] of query) {
      if (!PLACES.includes(name) && !this.fill(name, value)) this.others.push([name, value]);
    }
    this.element.querySelector("details").open ||= MORE.some((name) => this.fields[name].value);
  }

  fill(name, value) {
    if (name === "similar") {
      this.fields.similar.checked = true;
      return this.fill("plate", value);
    }
    const field = this.fields[name];
    if (!field || field.value) return false;
    if (TIMES.includes(name)) field.value = Number.isNaN(Date.parse(value)) ? "" : localText(new Date(value));
    else field.value = name === "min_confidence" ? Number((value * 100).toFixed(4)) : value;
    // A camera that is gone, or what is no time: the server has to say what it thinks of it.
    return Boolean(field.value);
  }

  since(hours) {
    const start = new Date();
    start.setSeconds(0, 0);
    if (hours === "today") start.setHours(0, 0, 0, 0);
    else start.setTime(start.getTime() - hours * 3_600_000);
    this.fields.captured_after.value = hours ? localText(start) : "";
    this.fields.captured_before.value = "";
  }
}
