// Loads the crops of the rows in view: the newest first, a few at a time; what left the view is let go.

const AT_ONCE = 4;
const NEAR = "300px 0px";

export class Crops {
  // onLoaded() is told that there is something to reveal.
  constructor(onLoaded) {
    this.onLoaded = onLoaded;
    this.waiting = [];
    this.loading = new Set();
    this.loaded = new Set(); // not shown yet: an image that appears is a paint of its own
    this.observer = new IntersectionObserver((entries) => this.see(entries), { rootMargin: NEAR });
  }

  // Once for each row, when it is made.
  observe(row) {
    this.observer.observe(row.item);
    row.image.onload = () => {
      this.loaded.add(row);
      this.done(row);
      this.onLoaded();
    };
    row.image.onerror = () => this.done(row);
  }

  see(entries) {
    for (const { target, isIntersecting } of entries) {
      target.row.isNear = isIntersecting;
      if (isIntersecting) this.want(target.row);
      else if (!this.isLoaded(target.row)) this.letGo(target.row);
    }
    this.next();
  }

  // The row shows another read now.
  renew(row) {
    this.letGo(row);
    if (row.isNear) this.want(row);
  }

  isLoaded(row) {
    return row.image.hasAttribute("src") && !this.loading.has(row);
  }

  want(row) {
    if (row.event.crop_url && !row.image.hasAttribute("src")) this.waiting.push(row);
  }

  letGo(row) {
    this.waiting = this.waiting.filter((other) => other !== row);
    this.loading.delete(row);
    this.loaded.delete(row);
    row.image.hidden = true;
    row.image.removeAttribute("src"); // ends a load that is under way
  }

  reveal() {
    for (const row of this.loaded) row.image.hidden = false;
    this.loaded.clear();
  }

  done(row) {
    this.loading.delete(row);
    this.next();
  }

  next() {
    while (this.loading.size < AT_ONCE && this.waiting.length) {
      const row = this.waiting.pop();
      if (row.image.hasAttribute("src")) continue;
      this.loading.add(row);
      row.image.src = row.event.crop_url;
    }
  }
}
