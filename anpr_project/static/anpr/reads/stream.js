// The socket to /api/v1/events/stream: reconnects, and resumes where it was, so that no read is missed.

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
const STABLE_MS = 5_000;
const FINAL = { 4400: "refused", 4401: "login", 4403: "forbidden" };

export class Stream {
  // handlers: hello(), event(event), state(name, delayInMs)
  constructor(handlers) {
    this.handlers = handlers;
    this.position = null;
    this.failures = 0;
    addEventListener("online", () => this.reconnectNow());
    addEventListener("offline", () => this.drop());
  }

  // Start anew with other filters; what was missed of the old ones does not matter.
  open(parameters) {
    this.parameters = parameters;
    this.position = null;
    this.failures = 0;
    this.connect();
  }

  connect() {
    clearTimeout(this.timer);
    this.forget();
    const query = new URLSearchParams(this.parameters);
    if (this.position !== null) query.set("since", this.position);
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.handlers.state("connecting");
    const socket = new WebSocket(`${scheme}://${location.host}/api/v1/events/stream?${query}`);
    socket.onmessage = ({ data }) => this.receive(JSON.parse(data));
    socket.onclose = ({ code }) => this.closed(code);
    this.socket = socket;
  }

  receive(message) {
    if (message.type === "hello") {
      const isFirst = this.position === null;
      // On a reconnect the head must not be taken over: what lies before it is still to come.
      if (isFirst) this.position = message.head;
      this.openedAt = performance.now();
      this.handlers.state("live");
      if (isFirst) this.handlers.hello();
    } else if (message.type === "event") {
      this.position = Math.max(this.position, message.position);
      this.handlers.event(message.event);
    }
  }

  closed(code) {
    this.socket = null;
    if (FINAL[code]) {
      this.handlers.state(FINAL[code]);
      return;
    }
    if (this.openedAt && performance.now() - this.openedAt > STABLE_MS) this.failures = 0;
    this.openedAt = null;
    // Half of the delay is jitter: after a restart not everybody comes back in the same moment.
    const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.failures);
    const delay = longest / 2 + (Math.random() * longest) / 2;
    this.failures += 1;
    this.handlers.state(navigator.onLine ? "waiting" : "offline", delay);
    this.timer = setTimeout(() => this.connect(), delay);
  }

  reconnectNow() {
    if (this.parameters && !this.socket) this.connect();
  }

  // The network is gone: the browser may take minutes to notice it on the socket.
  drop() {
    if (!this.socket) return;
    this.forget();
    this.closed(1006);
  }

  forget() {
    if (!this.socket) return;
    this.socket.onclose = null;
    this.socket.onmessage = null;
    this.socket.close();
    this.socket = null;
  }
}
