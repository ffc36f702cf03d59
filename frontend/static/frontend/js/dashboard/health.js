// Whether what is shown is live: feed light, ribbons for stale and warming, clock, mode badge. The browser
// watches its own clock too: no frame for five seconds is stale, whatever the server last said.
import { $, $$, h, icon, put } from "../dom.js";
import { age, hms } from "../format.js";
import { pieces, t } from "../text.js";
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
    light("off", [h("span", { text: t("Connecting to the feeds") })]);
    return;
  }
  if (desk.isStale) {
    light("bad", [h("span", {}, pieces(t("No data for {age}"), { age: h("b", { text: age(since() / 1000) }) }))]);
    return;
  }
  const kind = feeds.n && feeds.n_live === feeds.n ? "ok" : "warn";
  light(kind, [
    h(
      "span",
      { class: "hide-t" },
      pieces(t("Feeds {live}, oldest "), {
        live: h("b", { "data-feed-n": "", text: t("{live} of {all}", { live: feeds.n_live, all: feeds.n }) }),
      }),
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
      text: late.length
        ? t("Streams older than their limit of 15 s:")
        : t("No stream is older than its limit of 15 s."),
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
      text: t("Gaps seen: {gaps}. Timing of every stage is on the status page.", { gaps: status ? status.gaps : "—" }),
    }),
  );
}
/** How long the connection has been down, and when it is tried again. */
function retryWords() {
  const { name, attempt, retryAt } = live.state;
  if (name === "waiting")
    return t("Reconnecting, try {attempt}, next in {seconds} s.", {
      attempt,
      seconds: Math.max(0, Math.ceil((retryAt - performance.now()) / 1000)),
    });
  if (name === "connecting") return attempt ? t("Reconnecting, try {attempt}.", { attempt }) : t("Connecting.");
  return t("The connection stands, but no data comes.");
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
    $("[data-alert]").textContent = isStale ? t("The market feed is lost. Prices on this page are old.") : "";
    tell("stale", isStale);
  }
  const tag = $("[data-stale-tag]");
  const m = market();
  const symbolIsOld = !isStale && m && m.stale === true;
  tag.hidden = !(isStale && live.silence() !== null) && !symbolIsOld;
  const seconds = Math.round(silent / 1000);
  const [symbol, again] = [desk.symbol, isStale ? retryWords() : ""];
  if (symbolIsOld)
    put($("span", tag), t("Stale: the last price of {symbol} is {age} old.", { symbol, age: age(m.age_s) }));
  else if (isStale) put($("span", tag), t("Stale: last data {age} ago. {again}", { age: age(seconds), again }));
  warmOrStale(isStale, seconds);
  feedLight();
  streams();
}
function warmOrStale(isStale, seconds) {
  const warming = desk.status && desk.status.warming;
  if (live.silence() === null && (isStale || !desk.status)) {
    const again = retryWords();
    ribbon("warm", t("No data yet."), t("{again} The page fills by itself when the engine answers.", { again }));
  } else if (isStale) {
    ribbon(
      "stale",
      t("Prices are {age} old.", { age: age(seconds) }),
      t(
        "The stream stopped at {time} UTC. No new signals are shown until it is back; everything here stays as it was. {again}",
        { time: hms(stoppedAt), again: retryWords() },
      ),
    );
  } else if (warming) {
    const alive = desk.markets.size
      ? t("Prices and charts are live; signals begin when this is done.")
      : t("Markets appear as soon as their history is loaded.");
    ribbon("warm", t("Warming up:"), `${warming.text}. ${alive}`);
  } else ribbon("", "", "");
}
function onStatus(status) {
  const before = desk.status;
  desk.status = status;
  if (status.now) setClock(Date.parse(status.now), status.speed || 1);
  const model = status.model ? status.model.version : t("none yet");
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
