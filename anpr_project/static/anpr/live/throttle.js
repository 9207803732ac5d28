// Does a thing at once when it was not done lately, else once for all who ask meanwhile.

export class Throttle {
  constructor(action, pauseMs) {
    this.action = action;
    this.pauseMs = pauseMs;
    this.timer = null;
    this.doneAt = -Infinity;
  }

  // In a hidden page not before it is seen again.
  ask() {
    const wait = this.doneAt + this.pauseMs - performance.now();
    this.timer ??= setTimeout(() => requestAnimationFrame(() => this.run()), Math.max(0, wait));
  }

  run() {
    this.timer = null;
    this.doneAt = performance.now();
    this.action();
  }
}
