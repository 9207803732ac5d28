// The socket to /api/v1/events/stream: reconnects, and resumes where it was, so that no read is missed.

const FIRST_DELAY_MS = 500;
// Somebody looks at this page: a server that is back is found within seconds.
const LONGEST_DELAY_MS = 8_000;
const STABLE_MS = 5_000;
const HELLO_MS = 15_000;
// A quiet road and a dead line look the same from here (a page is not shown the server's pings).
const SILENCE_MS = 60_000;
const LOOK_MS = 5_000;
// Hidden pages are woken once a minute; who was away for longer was asleep with the whole computer.
const SLEPT_MS = 90_000;
// More than this is not streamed after an absence: the list has what can be shown at once.
const LONGEST_GAP = 5_000;
const FINAL = { 4400: "refused", 4401: "login", 4403: "forbidden" };

export class Stream {
  // handlers: hello(), event(event), gap(), state(name, delayInMs, reason); event alone must be there
  constructor(handlers) {
    this.handlers = { hello() {}, gap() {}, state() {}, ...handlers };
    this.position = null;
    this.failures = 0;
    addEventListener("online", () => this.reconnectNow());
    addEventListener("offline", () => this.drop());
    setInterval(() => this.look(), LOOK_MS);
  }

  // Start anew with other filters; what was missed of the old ones does not matter.
  open(parameters) {
    this.parameters = parameters;
    this.position = null;
    this.failures = 0;
    this.connect();
  }

  close() {
    this.parameters = null;
    this.position = null;
    clearTimeout(this.timer);
    this.forget();
  }

  connect(quietly = false) {
    clearTimeout(this.timer);
    this.forget();
    const query = new URLSearchParams(this.parameters);
    if (this.position !== null) query.set("since", this.position);
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    if (!quietly) this.handlers.state("connecting");
    const socket = new WebSocket(`${scheme}://${location.host}/api/v1/events/stream?${query}`);
    socket.onmessage = ({ data }) => this.receive(JSON.parse(data));
    socket.onclose = ({ code, reason }) => this.closed(code, reason);
    this.socket = socket;
    this.heardAt = this.lookedAt = Date.now();
    this.helloTimer = setTimeout(() => this.drop(), HELLO_MS);
  }

  receive(message) {
    this.heardAt = Date.now();
    if (message.type === "hello") this.greeted(message.head);
    else if (message.type === "event") {
      this.position = Math.max(this.position, message.position);
      this.handlers.event(message.event);
    }
  }

  greeted(head) {
    clearTimeout(this.helloTimer);
    const isFirst = this.position === null;
    if (!isFirst && head - this.position > LONGEST_GAP) {
      this.position = head;
      this.connect();
      this.handlers.gap();
      return;
    }
    // On a reconnect the head must not be taken over: what lies before it is still to come.
    if (isFirst) this.position = head;
    this.openedAt = Date.now();
    this.handlers.state("live");
    if (isFirst) this.handlers.hello();
  }

  closed(code, reason = "") {
    clearTimeout(this.helloTimer);
    this.socket = null;
    if (FINAL[code]) {
      this.handlers.state(FINAL[code], 0, reason);
      return;
    }
    if (this.openedAt && Date.now() - this.openedAt > STABLE_MS) this.failures = 0;
    this.openedAt = null;
    // Half of the delay is jitter: after a restart not everybody comes back in the same moment.
    const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.failures);
    const delay = longest / 2 + (Math.random() * longest) / 2;
    this.failures += 1;
    this.handlers.state(navigator.onLine ? "waiting" : "offline", delay);
    this.timer = setTimeout(() => this.connect(), delay);
  }

  // Replace a socket that may be dead. It costs one connection and misses nothing if it was not.
  look() {
    const now = Date.now();
    const hasSlept = now - this.lookedAt > SLEPT_MS;
    this.lookedAt = now;
    if (this.socket && (hasSlept || now - this.heardAt > SILENCE_MS)) this.connect(true);
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
    clearTimeout(this.helloTimer);
    if (!this.socket) return;
    this.socket.onclose = null;
    this.socket.onmessage = null;
    this.socket.close();
    this.socket = null;
  }
}
