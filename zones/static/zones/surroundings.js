// What lies around the area, from the public API: cameras, their latest pictures, other zones.

import { filled } from "../anpr/base/words.js";
import { parse } from "./shape.js";

const API = "/api/v1";
const PAGE = 500;
// Looked through for a picture: a fixed number costs the same whatever the camera has sent in years.
const NEWEST = 50;
const MOST_PICTURES = 3;

async function get(path) {
  const answer = await fetch(API + path, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(answer.status === 403 ? gettext("you may not see them") : filled(gettext("the server answered %(status)s"), { status: answer.status }));
  return answer.json();
}

async function all(path) {
  const rows = [];
  for (let page = 1; ; page += 1) {
    const { results, next } = await get(`${path}&page_size=${PAGE}&page=${page}`);
    rows.push(...results);
    if (!next) return rows;
  }
}

export async function cameras() {
  const rows = await all("/config/cameras?ordering=name");
  return rows.map(({ id, name, zones, latitude, longitude, heading }) => ({ id, name, zones, latitude, longitude, heading }));
}

export async function pictures(camera) {
  const { results } = await get(`/events?camera=${camera}&limit=${NEWEST}`);
  return results.map((event) => event.frame_url).filter(Boolean).slice(0, MOST_PICTURES);
}

// The other zones that the camera sees, in this space, each with its parsed area.
export async function neighbours(camera, space, own) {
  const ids = (camera?.zones ?? []).filter((id) => id !== own);
  const zones = await Promise.all(ids.map((id) => get(`/config/zones/${id}`)));
  const here = zones.filter((zone) => zone.space === space);
  return here.map((zone) => ({ zone, polygons: parse(JSON.stringify(zone.geometry)) }));
}
