// The ground of a zone on the map: tiles when some are configured, else a grid of degrees.

const DECIMALS = 7;
const STEP_PX = 4;
const CLOSE = 18;
const WORLD = [[-85, -180], [85, 180]];
const GRID_STEPS = [30, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001];
const FEWEST_LINES = 3;

function marker(camera) {
  const box = document.createElement("div");
  const name = document.createElement("span");
  name.textContent = camera.name;
  box.innerHTML = '<svg viewBox="-20 -20 40 40" aria-hidden="true"><path d="M0 0 L-11 -18 L11 -18 Z"/><circle r="6"/></svg>';
  const cone = box.querySelector("path");
  if (camera.heading === null) cone.remove();
  else cone.setAttribute("transform", `rotate(${camera.heading})`);
  box.append(name);
  return window.L.divIcon({ className: "camera-marker", html: box, iconSize: [40, 40] });
}

export class MapStage {
  constructor(canvas, { tiles, attribution }) {
    this.element = canvas.querySelector(".map");
    this.tiles = tiles;
    this.attribution = attribution;
    this.space = "map";
    this.changed = () => {};
    this.tapped = () => {};
  }

  // Leaflet is loaded when a map is first shown: most zones are in a picture.
  async open() {
    if (this.map) return;
    await import("./leaflet/leaflet.js");
    this.map = window.L.map(this.element, {
      ...{ keyboard: false, zoomAnimation: false, fadeAnimation: false, markerZoomAnimation: false, doubleClickZoom: false },
      ...{ maxBounds: WORLD, maxBoundsViscosity: 1, minZoom: 1, maxZoom: 22, attributionControl: false },
    });
    if (this.tiles) this.addTiles();
    window.L.control.scale({ position: "topright" }).addTo(this.map);
    this.cameras = window.L.layerGroup().addTo(this.map);
    this.map.setView([30, 0], 2);
    this.map.on("move zoom resize viewreset", () => this.changed());
    this.map.on("click", (event) => this.tapped([event.containerPoint.x, event.containerPoint.y]));
  }

  addTiles() {
    const text = document.createElement("span");
    text.textContent = this.attribution;
    window.L.control.attribution({ prefix: false }).addAttribution(text.innerHTML).addTo(this.map);
    // Tile servers want to know which site asks; the page's own policy would hide it.
    window.L.tileLayer(this.tiles, { maxZoom: 22, maxNativeZoom: 19, referrerPolicy: "strict-origin-when-cross-origin" }).addTo(this.map);
  }

  show(isShown) {
    this.element.hidden = !isShown;
    if (isShown) this.map?.invalidateSize();
  }

  place(cameras) {
    this.cameras.clearLayers();
    for (const camera of cameras) {
      const options = { icon: marker(camera), keyboard: false, interactive: false };
      window.L.marker([camera.latitude, camera.longitude], options).addTo(this.cameras);
    }
  }

  // Show all the points ([x, y]) at once.
  fit(points) {
    if (points.length === 0) return;
    const bounds = window.L.latLngBounds(points.map(([x, y]) => [y, x]));
    this.map.fitBounds(bounds.pad(0.2), { maxZoom: CLOSE, animate: false });
  }

  toScreen([x, y]) {
    const point = this.map.latLngToContainerPoint([y, x]);
    return [point.x, point.y];
  }

  toWorld(point) {
    const { lng, lat } = this.map.containerPointToLatLng(point);
    return this.rounded([lng, lat]);
  }

  rounded([x, y]) {
    const within = [Math.min(180, Math.max(-180, x)), Math.min(90, Math.max(-90, y))];
    return within.map((value) => Number(value.toFixed(DECIMALS)));
  }

  moved(point, [right, down], isLarge) {
    const step = isLarge ? STEP_PX * 10 : STEP_PX;
    const [left, top] = this.toScreen(point);
    return this.toWorld([left + right * step, top + down * step]);
  }

  get centre() {
    const { lng, lat } = this.map.getCenter();
    return this.rounded([lng, lat]);
  }

  reveal([x, y]) {
    this.map.panInside([y, x], { padding: [30, 30], animate: false });
  }

  zoom(by) {
    this.map.setZoom(this.map.getZoom() + by);
  }

  // Without tiles: lines of round degrees, each [from, to, label].
  get grid() {
    if (this.tiles) return [];
    const view = this.map.getBounds();
    const span = Math.min(view.getEast() - view.getWest(), view.getNorth() - view.getSouth());
    const step = GRID_STEPS.find((size) => span / size >= FEWEST_LINES) ?? GRID_STEPS.at(-1);
    const lines = [];
    const values = (low, high) => Array.from({ length: Math.floor(high / step) - Math.ceil(low / step) + 1 }, (_, index) => (Math.ceil(low / step) + index) * step);
    const label = (value) => `${Number(value.toFixed(6))}°`;
    for (const x of values(view.getWest(), view.getEast())) lines.push([[x, view.getSouth()], [x, view.getNorth()], label(x)]);
    for (const y of values(view.getSouth(), view.getNorth())) lines.push([[view.getWest(), y], [view.getEast(), y], label(y)]);
    return lines;
  }
}
