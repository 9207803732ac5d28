// Which camera's picture or place lies under the drawing, and which other zones around it.

import { filled } from "../anpr/base/words.js";
import * as surroundings from "./surroundings.js";

const own = Number(location.pathname.match(/\/(\d+)\/change\//)?.[1] ?? 0);

export class Scene {
  constructor(root, editor, form) {
    this.root = root;
    this.editor = editor;
    this.chooser = this.part("camera");
    this.sees = this.part("sees");
    // The zone's cameras, where this user may change them.
    this.seeing = form.elements.cameras ?? null;
    this.types = form.elements.zone_type;
    this.cameras = [];
    this.turn = 0;
    this.chooser.addEventListener("change", () => this.chosen());
    this.sees.addEventListener("change", () => this.mark(this.chooser.value, this.sees.checked));
    if (this.seeing) window.django?.jQuery?.(this.seeing).on("change", () => this.showSeen());
  }

  part(name) {
    return this.root.querySelector(`[data-part="${name}"]`);
  }

  get camera() {
    return this.cameras.find((camera) => String(camera.id) === this.chooser.value) ?? null;
  }

  async begin() {
    try {
      this.cameras = await surroundings.cameras();
    } catch (error) {
      this.hint(`${gettext("The cameras cannot be listed")}: ${error.message}.`);
    }
    this.chooser.append(...this.cameras.map(({ id, name }) => new Option(name, id)));
    this.chooser.value = String(this.first() ?? "");
    await this.chosen();
  }

  first() {
    const asked = Number(new URLSearchParams(location.search).get("camera") ?? new URLSearchParams(location.search).get("cameras"));
    const marked = this.seeing ? Number(this.seeing.selectedOptions[0]?.value) : 0;
    const known = this.cameras.find((camera) => camera.id === asked) ?? this.cameras.find((camera) => camera.id === marked);
    const seeing = known ?? this.cameras.find((camera) => camera.zones.includes(own));
    if (seeing) return seeing.id;
    return this.cameras.length === 1 ? this.cameras[0].id : null;
  }

  // A new zone in a picture is seen by the camera whose picture it is.
  async chosen() {
    if (!own && this.seeing && this.editor.space === "image") {
      if (this.marked) this.mark(this.marked, false);
      this.marked = this.chooser.value;
      if (this.marked) this.mark(this.marked, true);
    }
    await this.arrange();
  }

  option(camera) {
    return [...this.seeing.options].find((option) => option.value === String(camera));
  }

  isSeen(camera) {
    return Boolean(this.option(camera)?.selected);
  }

  mark(camera, isSeen) {
    const option = this.option(camera);
    if (!option) return;
    option.selected = isSeen;
    this.seeing.dispatchEvent(new Event("change", { bubbles: true }));
  }

  showSeen() {
    this.part("sees-row").hidden = !this.seeing || !this.chooser.value;
    if (this.seeing) this.sees.checked = this.isSeen(this.chooser.value);
  }

  hint(message) {
    this.part("hint").textContent = message;
    this.part("hint").hidden = !message;
  }

  // Draw what belongs to the chosen camera; an answer that comes after the next choice is dropped.
  async arrange() {
    const turn = (this.turn += 1);
    const { camera, editor } = this;
    editor.canvas.setAttribute("aria-busy", "true");
    this.showSeen();
    const [{ hint, picture }, neighbours] = await Promise.all([this.ground(camera), this.around(camera)]);
    if (turn !== this.turn) return;
    this.hint(hint);
    if (editor.space === "map") this.frameAll();
    else editor.stages.image.background(picture);
    editor.neighbours = neighbours;
    this.legend(neighbours);
    editor.drawing.draw();
    editor.canvas.setAttribute("aria-busy", "false");
  }

  async around(camera) {
    try {
      return await surroundings.neighbours(camera, this.editor.space, own);
    } catch {
      return [];
    }
  }

  async ground(camera) {
    if (this.editor.space === "map") return { hint: this.mapHint(camera) };
    if (!camera) return { hint: this.cameras.length ? gettext("Choose a camera to draw on its latest picture.") : gettext("No camera yet: add one, or draw on the blank frame.") };
    try {
      const picture = await this.editor.stages.image.load(await surroundings.pictures(camera.id));
      if (picture) return { hint: "", picture };
      return { hint: filled(gettext("%(camera)s has sent no picture lately. Draw on the blank frame, or come back after its next read with a picture."), { camera: camera.name }) };
    } catch (error) {
      return { hint: `${gettext("The latest picture cannot be shown")}: ${error.message}.` };
    }
  }

  get placed() {
    return this.cameras.filter((camera) => camera.latitude !== null);
  }

  mapHint(camera) {
    if (camera && camera.latitude === null) return filled(gettext("%(camera)s has no place yet: set its latitude and longitude."), { camera: camera.name });
    return this.placed.length ? "" : gettext("No camera has a place yet. Move and zoom the map to where the zone is.");
  }

  // The drawn area and the chosen camera; without either, all cameras.
  frameAll() {
    const { map } = this.editor.stages;
    if (!map.map) return;
    map.place(this.placed);
    const spot = (camera) => [camera.longitude, camera.latitude];
    const drawn = this.editor.shapes.map.polygons.flat(2);
    const chosen = this.camera?.latitude == null ? [] : [spot(this.camera)];
    const points = [...drawn, ...chosen];
    map.fit(points.length ? points : this.placed.map(spot));
  }

  // As the form's own list calls it, in the language of the viewer.
  kind({ zone_type: type }) {
    return [...this.types.options].find((option) => option.value === type)?.text ?? type;
  }

  legend(neighbours) {
    const items = neighbours.map(({ zone }) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      const swatch = document.createElement("span");
      const kind = document.createElement("span");
      swatch.className = "swatch";
      swatch.dataset.type = zone.zone_type;
      link.textContent = zone.name;
      link.href = `${this.root.dataset.zones}${zone.id}/change/?camera=${this.chooser.value}`;
      kind.textContent = zone.enabled ? this.kind(zone) : `${this.kind(zone)}, ${gettext("disabled")}`;
      item.append(swatch, link, kind);
      return item;
    });
    this.part("legend").replaceChildren(...items);
    this.part("others").hidden = items.length === 0;
  }
}
