// The ground of a zone in the picture: the camera's latest frame, or a blank 16:9 one.

const STEP = 0.005;
const DECIMALS = 4;
const MARGIN = 16;

export class ImageStage {
  constructor(canvas) {
    this.canvas = canvas;
    this.image = canvas.querySelector(".frame-image");
    this.space = "image";
    this.changed = () => {};
    this.frame = canvas.querySelector(".frame");
    new ResizeObserver(() => this.changed()).observe(this.frame);
  }

  show(isShown) {
    this.frame.hidden = !isShown;
  }

  // The first of the pictures that can be loaded, or null: they are deleted before their reads.
  async load(urls) {
    for (const url of urls) {
      const picture = new Image();
      picture.src = url;
      try {
        await picture.decode();
        return picture;
      } catch {
        continue;
      }
    }
    return null;
  }

  background(picture) {
    this.image.hidden = !picture;
    if (picture) this.image.src = picture.src;
    else this.image.removeAttribute("src");
    this.frame.style.aspectRatio = picture ? `${picture.naturalWidth} / ${picture.naturalHeight}` : "16 / 9";
  }

  get size() {
    return [this.frame.clientWidth, this.frame.clientHeight];
  }

  toScreen([x, y]) {
    const [width, height] = this.size;
    return [MARGIN + x * width, MARGIN + y * height];
  }

  // Beyond the border there is no picture: what is dragged there stays on it.
  toWorld([left, top]) {
    const [width, height] = this.size;
    return this.rounded([(left - MARGIN) / width, (top - MARGIN) / height].map((value) => Math.min(1, Math.max(0, value))));
  }

  rounded(point) {
    return point.map((value) => Number(value.toFixed(DECIMALS)));
  }

  moved([x, y], [right, down], isLarge) {
    const step = isLarge ? STEP * 10 : STEP;
    return this.rounded([x + right * step, y + down * step].map((value) => Math.min(1, Math.max(0, value))));
  }

  get centre() {
    return [0.5, 0.5];
  }

  reveal() {}
}
