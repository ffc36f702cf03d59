// Parts of the signal panel, each from one Signal.
import { getJson } from "../api.js";
import { ask } from "../ask.js";
import { h, put, s, sideGlyph } from "../dom.js";
import { R, count, fixed, hm, moment, parse, percent, points, price, range } from "../format.js";
import { n, pieces, t } from "../text.js";
import { confRuler, wfBar } from "../viz.js";
import { showPrice } from "./charting.js";
import { isOpen } from "./desk.js";
import { stateWords } from "./feed.js";

const FEW = 50;
const ORIGINS = {
  live: t("live"),
  simulated: t("on the simulated market"),
  replay: t("in replay"),
  backtest: t("in the walk-forward back-test"),
};
const LEVELS = { Entry: t("Entry"), Stop: t("Stop") };
const originWords = (origin) => ORIGINS[origin] || origin;

function side(signal) {
  return h(
    "span",
    { class: `side-pill ${signal.side}`, "data-side": signal.side },
    sideGlyph(signal.side),
    signal.side === "long" ? t("Long") : t("Short"),
  );
}
function ring(parts) {
  const circle = (cls) => s("circle", { cx: 12, cy: 12, r: 9, class: `${cls} v-ring`, transform: "rotate(-90 12 12)" });
  parts.arc = circle("v-ink-l");
  return s("svg", { viewBox: "0 0 24 24", width: 24, height: 24, "aria-hidden": "true" }, circle("v-axis"), parts.arc);
}
/** Side, symbol, when it was issued, how long it holds. */
export function top(signal, parts) {
  parts.expiry = h("b", { class: "num", "data-expiry": "" });
  parts.state = h("span", { "data-state": signal.state, text: stateWords(signal) });
  const open = isOpen(signal);
  return h(
    "div",
    { class: "sig-top" },
    side(signal),
    h(
      "div",
      {},
      h("h2", { id: "sig-h", text: signal.symbol }),
      h(
        "p",
        { class: "meta num", title: moment(parse(signal.issued_at)) },
        t("{timeframe}, issued {at} UTC", { timeframe: signal.timeframe, at: hm(parse(signal.issued_at)) }),
        ", ",
        parts.state,
      ),
    ),
    h(
      "div",
      { class: "expiry" },
      h("span", {}, parts.expiry, open ? t("to expiry") : signal.state === "void" ? "" : t("result, net")),
      open && ring(parts),
    ),
  );
}
/** The plan's levels; `parts` takes the cells that change with the price. */
export function levels(signal, plan, parts) {
  const px = (x) => price(x, signal.decimals);
  parts.distances = [];
  const row = (name, share, value, text, r, cls) => {
    const distance = h("td", { class: "pc" });
    if (value !== null) parts.distances.push([distance, value]);
    const result = h("td", { class: `rr ${cls}`, text: r });
    if (value === null) parts.zone = result;
    return h(
      "tr",
      { "data-level": name },
      h("th", { scope: "row" }, LEVELS[name] || name, share && h("span", { class: "share", text: `  ${share}` })),
      h("td", { class: "px", text }),
      distance,
      result,
    );
  };
  const targets = plan.targets.map((to, i) => row(`TP${i + 1}`, percent(to.share), to.price, px(to.price), R(to.r), "up"));
  return h(
    "table",
    { class: "levels num" },
    h("caption", { class: "vh", text: t("Signal levels: price, distance from price now, result in R") }),
    h(
      "tbody",
      {},
      targets.reverse(),
      row("Entry", "", null, `${px(plan.zone[0])}–${px(plan.zone[1])}`, "", ""),
      row("Stop", "", plan.stop, px(plan.stop), R(-1), "down"),
    ),
  );
}
function record(signal) {
  const r = signal.record;
  if (!r)
    return h("p", {
      class: "conf-line mt-1",
      "data-record": "none",
      text: t(
        "Fewer than 20 signals like this have settled, so there is no measured record yet. The interval is the model's own.",
      ),
    });
  return h(
    "p",
    { class: "conf-line num mt-1", "data-record": r.origin },
    pieces(t("Of {n} signals like this {won}, {wins} in all (95% CI {interval}), {origin}."), {
      n: h("b", { text: count(r.n) }),
      won: h("b", { text: t("{rate} won", { rate: percent(r.rate) }) }),
      wins: count(r.wins),
      interval: range(r.interval),
      origin: originWords(r.origin),
    }),
  );
}
/** The chance with its interval, and the measured record of signals like this. */
export function confidence(signal) {
  const faint = (signal.record ? signal.record.n : 0) < FEW;
  return h(
    "div",
    { class: "sig-block", "data-confidence": String(signal.confidence) },
    h("h3", {}, t("Confidence"), ask("confidence"), h("span", { text: t("chance of a win, once entered") })),
    h(
      "div",
      { class: "conf" },
      h("p", { class: "conf-big num" }, fixed(signal.confidence * 100, 0), h("small", { text: "%" })),
      confRuler({ confidence: signal.confidence, interval: signal.interval, breakEven: signal.break_even, faint }),
    ),
    record(signal),
  );
}
/** From what random entries win to the stated chance, factor by factor, in percentage points. */
export function waterfall(signal) {
  const start = signal.base_rate * 100;
  const end = signal.confidence * 100;
  const steps = [
    ...signal.reasons.map((r) => ({ ...r, words: r.sentence || r.title })),
    { words: t("{n} smaller factors, net", signal.other), points: signal.other.points },
  ];
  let [lo, hi, at] = [Math.min(start, end), Math.max(start, end), start];
  for (const step of steps) {
    at += step.points || 0;
    [lo, hi] = [Math.min(lo, at), Math.max(hi, at)];
  }
  [lo, hi] = [Math.max(0, lo - 3), hi + 2];
  const row = (cls, name, bar, value, tone = "") =>
    h("div", { class: `wf-row ${cls}` }, name, bar, h("span", { class: `v ${tone}`, text: value }));
  at = start;
  return h(
    "div",
    { class: "wf num", "data-waterfall": "" },
    row(
      "base",
      h("span", { text: t("Random entries, same plan") }),
      wfBar(lo, at, lo, hi, "base"),
      percent(signal.base_rate),
    ),
    steps.map((step) => {
      const from = at;
      at += step.points || 0;
      const tip = step.log_odds === undefined ? null : t("{factor}: {size} log-odds", { factor: step.title, size: fixed(step.log_odds, 3) });
      const name = step.price
        ? h("button", { type: "button", title: tip, text: step.words, onclick: () => showPrice(step.price) })
        : h("span", { title: tip, text: step.words });
      return row("", name, wfBar(from, at, lo, hi), points(step.points), step.points >= 0 ? "up" : "down");
    }),
    row(
      "total",
      h("span", { text: t("Probability of a win") }),
      wfBar(lo, end, lo, hi, "total"),
      percent(signal.confidence),
    ),
  );
}
/** Number, model and hash, and a button that builds the signal again from what was stored. */
export function proof(signal) {
  const [building, same] = [t("Building it again…"), t("It comes out the same, byte for byte.")];
  const out = h("span", { role: "status" });
  const check = h("button", { class: "linkish", type: "button", "data-recompute": "", text: t("Recompute") });
  check.addEventListener("click", async () => {
    put(out, ` ${building}`);
    try {
      const found = await getJson(`signals/${signal.id}/recompute`);
      const places = found.differences.length;
      put(out, " ".concat(found.matches ? same : n("It differs in {count} place.", "It differs in {count} places.", places)));
    } catch (error) {
      put(out, ` ${error.message}`);
    }
  });
  return h(
    "p",
    { class: "caveat mt-2" },
    pieces(t("Signal {number}, model {model}, record {hash}."), {
      number: signal.number,
      model: signal.model,
      hash: h("span", { class: "hash", title: signal.hash, text: `${signal.hash.slice(0, 8)}…${signal.hash.slice(-6)}` }),
    }),
    " ",
    check,
    out,
  );
}
