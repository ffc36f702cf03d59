// The time machine: the whole dashboard at a past minute, as it was then known, with a link to it. The server cuts
// every answer at that minute; here one only chooses it.
import { getJson } from "../api.js";
import { $, h, icon, put } from "../dom.js";
import { change, moment } from "../format.js";
import { t } from "../text.js";
import { SECONDS, asOf, desk, listen, lookBack, market, marketNow, tell } from "./desk.js";

const MINUTE_MS = 60_000;
const REACH_MIN = 1440;
const SCRUB_MS = 140;
const bar = $("[data-past]");
let parts = null;
let timer = 0;

const minute = (ms) => new Date(Math.floor(ms / MINUTE_MS) * MINUTE_MS).toISOString().slice(0, 16);
const shownMs = () => Date.parse(desk.at || `${minute(marketNow())}Z`);

function go(ms) {
  const latest = Math.floor(marketNow() / MINUTE_MS) * MINUTE_MS;
  const at = `${minute(Math.min(ms, latest))}Z`;
  write(Date.parse(at));
  clearTimeout(timer);
  timer = setTimeout(() => lookBack(at), SCRUB_MS);
}
/** One minute, or with Shift one candle, back (−1) or on (+1). */
export function step(by, byCandle = false) {
  if (!desk.at && by > 0) return;
  go(shownMs() + by * (byCandle ? SECONDS[desk.timeframe] * 1000 : MINUTE_MS));
}
function write(ms) {
  if (!parts) return;
  put(parts.words, t("You look at {time}, as then known.", { time: moment(ms) }));
  if (document.activeElement !== parts.field) parts.field.value = minute(ms);
  const back = Math.round((marketNow() - ms) / MINUTE_MS);
  parts.slider.value = String(-Math.min(REACH_MIN, Math.max(0, back)));
  parts.slider.setAttribute("aria-valuetext", moment(ms));
}
/** Back to what is live: the page is loaded anew, so that nothing of the past is left in it. */
export function leave() {
  const query = new URLSearchParams(location.search);
  query.delete("at");
  location.assign(`?${query}`);
}
async function copy() {
  const link = location.href;
  try {
    await navigator.clipboard.writeText(link);
    put($("[data-announce]"), t("Link copied"));
    put(parts.copied, t("Copied"));
  } catch {
    put(parts.copied, link);
  }
}
function button(name, label, act, words = "") {
  return h("button", { class: words ? "btn btn-quiet" : "btn-icon", type: "button", "aria-label": words ? null : label, title: label, onclick: act }, icon(name), words);
}
function build() {
  parts = {
    words: h("strong", { class: "num", "data-past-words": "" }),
    why: h("span", { "data-past-missing": "" }),
    slider: h("input", { type: "range", min: -REACH_MIN, max: 0, step: 1, class: "past-range", "aria-label": t("Minute of the last day") }),
    field: h("input", { type: "datetime-local", class: "input past-field num", "aria-label": t("Minute, UTC"), max: minute(marketNow()) }),
    copied: h("span", { class: "ink-2", role: "status" }),
  };
  parts.slider.addEventListener("input", () => go(marketNow() + Number(parts.slider.value) * MINUTE_MS));
  parts.field.addEventListener("change", () => parts.field.value && go(Date.parse(`${parts.field.value}Z`)));
  bar.replaceChildren(
    icon("history"),
    h("span", { class: "past-words" }, parts.words, " ", parts.why),
    button("arrow-down", t("A minute back, comma"), () => step(-1)),
    parts.slider,
    button("arrow-up", t("A minute on, full stop"), () => step(1)),
    parts.field,
    button("link", t("Copy the link to this minute"), copy, t("Link")),
    parts.copied,
    button("x", t("Back to now"), leave, t("Back to now")),
  );
}
/** Open the time machine at a minute; without one, at the last that is whole. */
export function openPast(ms = marketNow() - MINUTE_MS) {
  if (!parts) build();
  bar.hidden = false;
  document.body.classList.add("is-past");
  go(desk.at ? shownMs() : ms);
  parts.slider.focus();
}
/** What the head shows of funding and open interest is kept beside each judgement. */
async function fillHead() {
  const [symbol, at, m] = [desk.symbol, desk.at, market()];
  if (!at || !m || m.isFilled) return;
  m.isFilled = true;
  try {
    const found = await getJson(asOf(`markets/${symbol}/funding`));
    if (at !== desk.at) return;
    Object.assign(m, { funding_rate: found.rate, next_funding_at: found.next_at, oi_change_4h: found.oi_change_4h });
    tell("markets");
  } catch {
    // Not kept: the head shows dashes, and the tab says why.
  }
}
export function startPast() {
  $("[data-open-past]").addEventListener("click", () => (desk.at ? leave() : openPast()));
  listen("past-missing", (why) => parts && put(parts.why, why));
  listen(["markets", "symbol"], () => {
    if (parts && desk.markets.size) put(parts.why, t("Nothing later is shown. {move} since 24 hours before.", { move: market() && market().change_24h !== null ? change(market().change_24h) : "—" }));
    fillHead();
  });
  if (!desk.at) return;
  build();
  document.body.classList.add("is-past");
  bar.hidden = false;
  write(shownMs());
  fillHead();
}
