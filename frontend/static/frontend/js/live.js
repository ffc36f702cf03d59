// The one socket of a page. Connects, backs off with jitter, resumes `signals` by sequence number, and goes
// quiet while nobody looks. Components subscribe to topics; they never see the socket.
const SIGNALS = "signals";
const STEADY_MS = 10_000; // a connection that lasted this long starts the back-off anew
const HIDDEN_MS = 10_000; // a hidden page keeps its topics this long
const PING_MS = 5_000; // nothing heard for this long: ask
const DEAD_MS = 12_000; // still nothing: the connection is gone, whatever the browser thinks
const LONGEST_MS = 30_000;

export class Live {
  /**
   * @param {string} url
   * @param {number} after sequence number of the newest signal frame the page already shows
   */
  constructor(url, after = 0, { Socket = WebSocket, random = Math.random } = {}) {
    Object.assign(this, { url, after, Socket, random });
    this.topics = new Map();
    this.watchers = new Set();
    this.changes = new Map();
    this.state = { name: "connecting", attempt: 0, retryAt: 0 };
    this.heardAt = performance.now();
    this.frameAt = null;
    this.isQuiet = false;
  }
  start() {
    if (this.isStarted) return this;
    this.isStarted = true;
    document.addEventListener("visibilitychange", () => this.#seen());
    addEventListener("online", () => this.state.name === "waiting" && this.#connect());
    setInterval(() => this.#watch(), 1000);
    this.#connect();
    return this;
  }
  /** Call `take(data, frame)` for each frame of a topic; returns the way to stop. */
  subscribe(topic, take) {
    const held = this.topics.get(topic);
    if (held) held.add(take);
    else {
      this.topics.set(topic, new Set([take]));
      this.#want(topic, "subscribe");
    }
    return () => {
      const takers = this.topics.get(topic);
      if (!takers || !takers.delete(take) || takers.size) return;
      this.topics.delete(topic);
      this.#want(topic, "unsubscribe");
    };
  }
  /** Call `take(state)` now and whenever the connection changes. */
  watch(take) {
    this.watchers.add(take);
    take(this.state);
  }
  /** Milliseconds since the last frame of data, by the browser's own clock; null before the first. */
  silence() {
    return this.frameAt === null ? null : performance.now() - this.frameAt;
  }

  #turn(name, more = {}) {
    this.state = { ...this.state, name, ...more };
    for (const take of this.watchers) take(this.state);
  }
  #connect() {
    clearTimeout(this.timer);
    this.#turn("connecting");
    const socket = (this.socket = new this.Socket(this.url));
    this.heardAt = performance.now();
    socket.onopen = () => {
      this.openedAt = this.heardAt = performance.now();
      this.#turn("open");
      this.changes.clear();
      const topics = [...this.topics.keys()].filter((t) => !this.isQuiet || t === SIGNALS);
      this.#send("subscribe", topics);
    };
    socket.onmessage = (event) => socket === this.socket && this.#take(event.data);
    socket.onclose = () => socket === this.socket && this.#again();
  }
  #again() {
    const steady = this.openedAt && performance.now() - this.openedAt > STEADY_MS;
    this.openedAt = null;
    const attempt = steady ? 1 : this.state.attempt + 1;
    const wait = Math.min(LONGEST_MS, 500 * 2 ** (attempt - 1)) * (0.5 + this.random() / 2);
    this.#turn("waiting", { attempt, retryAt: performance.now() + wait });
    this.timer = setTimeout(() => this.#connect(), wait);
  }
  #take(text) {
    const frame = JSON.parse(text);
    this.heardAt = performance.now();
    if (frame.topic === "pong") return;
    if (frame.topic === "error") return console.warn("stream:", frame.data.code, frame.data.detail);
    this.frameAt = this.heardAt;
    if (this.state.attempt) this.#turn("open", { attempt: 0 });
    if (frame.topic === SIGNALS) {
      if (frame.seq <= this.after) return; // already shown
      this.after = frame.seq;
    }
    for (const take of this.topics.get(frame.topic) || []) take(frame.data, frame);
  }
  /** Collect changes of one turn into one message: the server takes twenty a second. */
  #want(topic, op) {
    if (!this.changes.size) queueMicrotask(() => this.#flush());
    this.changes.set(topic, op);
  }
  #flush() {
    for (const op of ["unsubscribe", "subscribe"]) {
      const topics = [...this.changes]
        .filter(([topic, o]) => o === op && (!this.isQuiet || topic === SIGNALS))
        .map(([topic]) => topic);
      this.#send(op, topics);
    }
    this.changes.clear();
  }
  #send(op, topics) {
    if (!topics.length || !this.socket || this.socket.readyState !== 1) return;
    const after = op === "subscribe" && topics.includes(SIGNALS) ? { after: { [SIGNALS]: this.after } } : {};
    this.socket.send(JSON.stringify({ op, topics, ...after }));
  }
  #seen() {
    clearTimeout(this.hideTimer);
    const loud = [...this.topics.keys()].filter((t) => t !== SIGNALS);
    if (document.hidden) {
      this.hideTimer = setTimeout(() => {
        this.isQuiet = true;
        this.#send("unsubscribe", loud);
      }, HIDDEN_MS);
    } else if (this.isQuiet) {
      this.isQuiet = false;
      this.heardAt = performance.now();
      if (this.frameAt !== null) this.frameAt = performance.now(); // silence was ours: start counting now
      this.#send("subscribe", loud);
    }
  }
  #watch() {
    if (this.state.name !== "open" || document.hidden || this.isQuiet) return;
    const quiet = performance.now() - this.heardAt;
    if (quiet > DEAD_MS) {
      const dead = this.socket;
      dead.onclose = dead.onmessage = null;
      dead.close();
      this.#again();
    } else if (quiet > PING_MS) this.socket.send('{"op":"ping"}');
  }
}
export const streamUrl = () => `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/stream`;
let ofThisPage = null;
/** The one socket of this page: whoever asks first makes it, the others share it. */
export const pageLive = (after = 0) => (ofThisPage ??= new Live(streamUrl(), after));
