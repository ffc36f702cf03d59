// Whether what is shown is live: feed light, ribbons for stale and warming, clock, mode badge. The browser
// watches its own clock too: no frame for five seconds is stale, whatever the server last said.
import { $, $$, h, icon, put } from "../dom.js";
import { age, hms } from "../format.js";
import { desk, listen, market, now, setClock, tell } from "./desk.js";

const STALE_MS = 5000;
let live;
let stoppedAt = null;

function since() {
  const silent = live.silence();
  return silent === null ? performance.now() - started : silent;
}
const started = performance.now();

function light(kind, words) {
  const dot = $("[data-feed-dot]");
  dot.className = `dot dot-${kind}`;
  $("[data-feed-text]").replaceChildren(...words);
}
function feedLight() {
  const feeds = desk.status && desk.status.feeds;
  if (!feeds || (!feeds.n && !desk.isStale)) {
    light("off", [h("span", { text: "Connecting to the feeds" })]);
    return;
  }
  if (desk.isStale) {
    light("bad", [h("span", {}, "No data for ", h("b", { text: age(since() / 1000) }))]);
    return;
  }
  const kind = feeds.n && feeds.n_live === feeds.n ? "ok" : "warn";
  light(kind, [
    h(
      "span",
      { class: "hide-t" },
      "Feeds ",
      h("b", { "data-feed-n": "", text: `${feeds.n_live} of ${feeds.n}` }),
      ", oldest ",
    ),
    h("b", { "data-feed-age": "", text: age(feeds.oldest_s) }),
  ]);
}
function streams() {
  const box = $("[data-feed-list-of-streams]");
  if (!box || box.closest("details").open === false) return;
  const status = desk.status;
  const late = (status && status.feeds.stale) || [];
  box.replaceChildren(
    h("p", {
      class: "conf-line",
      text: late.length ? "Streams older than their limit of 15 s:" : "No stream is older than its limit of 15 s.",
    }),
    ...late.map((x) =>
      h(
        "p",
        { class: "row between small" },
        h("span", { text: x.stream }),
        h("b", { class: "warn num", text: age(x.age_s) }),
      ),
    ),
    h("p", {
      class: "caveat mt-2",
      text: `Gaps seen: ${status ? status.gaps : "—"}. Timing of every stage is on the status page.`,
    }),
  );
}
/** How long the connection has been down, and when it is tried again. */
function retryWords() {
  const { name, attempt, retryAt } = live.state;
  if (name === "waiting")
    return `Reconnecting, try ${attempt}, next in ${Math.max(0, Math.ceil((retryAt - performance.now()) / 1000))} s.`;
  if (name === "connecting") return attempt ? `Reconnecting, try ${attempt}.` : "Connecting.";
  return "The connection stands, but no data comes.";
}
function ribbon(kind, strong, words) {
  const el = $("[data-ribbon]");
  const key = `${kind}${strong}${words}`;
  if (el.dataset.shown === key) return;
  el.dataset.shown = key;
  el.hidden = !kind;
  el.className = `ribbon ribbon-${kind}`;
  if (kind)
    el.replaceChildren(
      icon(kind === "stale" ? "wifi-off" : "hourglass"),
      h("span", {}, h("strong", { text: strong }), ` ${words}`),
    );
}
function check() {
  const silent = since();
  const isStale = silent > STALE_MS && !document.hidden && !live.isQuiet;
  if (isStale !== desk.isStale) {
    desk.isStale = isStale;
    stoppedAt = isStale ? now() - silent * desk.clock.speed : null;
    document.body.classList.toggle("is-stale", isStale && live.silence() !== null);
    $("[data-alert]").textContent = isStale ? "The market feed is lost. Prices on this page are old." : "";
    tell("stale", isStale);
  }
  const tag = $("[data-stale-tag]");
  const m = market();
  const symbolIsOld = !isStale && m && m.stale === true;
  tag.hidden = !(isStale && live.silence() !== null) && !symbolIsOld;
  const seconds = Math.round(silent / 1000);
  if (symbolIsOld) put($("span", tag), `Stale: the last price of ${desk.symbol} is ${age(m.age_s)} old.`);
  else if (isStale) put($("span", tag), `Stale: last data ${age(seconds)} ago. ${retryWords()}`);
  warmOrStale(isStale, seconds);
  feedLight();
  streams();
}
function warmOrStale(isStale, seconds) {
  const warming = desk.status && desk.status.warming;
  if (live.silence() === null && (isStale || !desk.status)) {
    ribbon("warm", "No data yet.", `${retryWords()} The page fills by itself when the engine answers.`);
  } else if (isStale) {
    ribbon(
      "stale",
      `Prices are ${age(seconds)} old.`,
      `The stream stopped at ${hms(stoppedAt)} UTC. No new signals are shown until it is back; everything here stays as it was. ${retryWords()}`,
    );
  } else if (warming) {
    const alive = desk.markets.size
      ? "Prices and charts are live; signals begin when this is done."
      : "Markets appear as soon as their history is loaded.";
    ribbon("warm", "Warming up:", `${warming.text}. ${alive}`);
  } else ribbon("", "", "");
}
function onStatus(status) {
  const before = desk.status;
  desk.status = status;
  if (status.now) setClock(Date.parse(status.now), status.speed || 1);
  const model = status.model ? status.model.version : "none yet";
  for (const el of $$("[data-model]")) put(el, model);
  document.querySelector("main").setAttribute("aria-busy", String(!status.ready && !desk.markets.size));
  tell("status", status);
  if (before && !before.ready && status.ready) tell("ready");
}
export function startHealth(stream) {
  live = stream;
  if (desk.status) onStatus(desk.status);
  live.subscribe("status", onStatus);
  live.watch(() => check());
  const second = () => {
    put($("[data-clock]"), hms(now()));
    check();
    tell("second");
  };
  setInterval(second, 1000);
  document.addEventListener("visibilitychange", () => !document.hidden && second());
  listen("symbol", check);
  second();
}
