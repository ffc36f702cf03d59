// The signal panel: what to do, how sure we are, why, and what speaks against it. Without a signal: why not.
import { getJson } from "../api.js";
import { $, h, icon, put, sideGlyph } from "../dom.js";
import { R, change, count, fixed, hm, left, moment, parse, percent, points, price, range } from "../format.js";
import { paint } from "../paint.js";
import { confRuler, fit, rRuler, wfBar } from "../viz.js";
import { showPrice } from "./charting.js";
import { current, desk, isOpen, listen, now, planOf, priceOf } from "./desk.js";
import { stateWords } from "./feed.js";
import { refreshGates, showGates } from "./gates.js";
import { sizer } from "./sizer.js";

const FEW = 50;
const ANNOUNCE_MS = 10_000;
const ORIGINS = {
  live: "live",
  simulated: "on the simulated market",
  replay: "in replay",
  backtest: "in the walk-forward back-test",
};
export const originWords = (origin) => ORIGINS[origin] || origin;
const box = $("[data-signal]");
let shown = null; // { signal, parts }

function side(signal) {
  return h("span", { class: `side-pill ${signal.side}`, "data-side": signal.side }, sideGlyph(signal.side), signal.side === "long" ? "Long" : "Short");
}
function ring(parts) {
  const n = "http://www.w3.org/2000/svg";
  const el = document.createElementNS(n, "svg");
  for (const [name, value] of [["viewBox", "0 0 24 24"], ["width", 24], ["height", 24], ["aria-hidden", "true"]]) el.setAttribute(name, value);
  parts.arc = ["v-axis", "v-ink-l"].map((cls) => {
    const circle = document.createElementNS(n, "circle");
    for (const [name, value] of [["cx", 12], ["cy", 12], ["r", 9], ["class", `${cls} v-ring`], ["transform", "rotate(-90 12 12)"]]) circle.setAttribute(name, value);
    el.append(circle);
    return circle;
  })[1];
  return el;
}
function top(signal, parts) {
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
      h("p", { class: "meta num", title: moment(parse(signal.issued_at)) }, `${signal.timeframe}, issued ${hm(parse(signal.issued_at))} UTC, `, parts.state),
    ),
    h("div", { class: "expiry" }, h("span", {}, parts.expiry, open ? "to expiry" : signal.state === "void" ? "" : "result, net"), open && ring(parts)),
  );
}
function levels(signal, plan, parts) {
  const px = (x) => price(x, signal.decimals);
  parts.distances = [];
  const row = (name, share, value, text, r, cls) => {
    const distance = h("td", { class: "pc" });
    if (value !== null) parts.distances.push([distance, value]);
    const result = h("td", { class: `rr ${cls}`, text: r });
    if (value === null) parts.zone = result;
    return h("tr", { "data-level": name }, h("th", { scope: "row" }, name, share && h("span", { class: "share", text: `  ${share}` })), h("td", { class: "px", text }), distance, result);
  };
  const targets = plan.targets.map((t, i) => row(`TP${i + 1}`, percent(t.share), t.price, px(t.price), R(t.r), "up"));
  return h(
    "table",
    { class: "levels num" },
    h("caption", { class: "vh", text: "Signal levels: price, distance from price now, result in R" }),
    h("tbody", {}, targets.reverse(), row("Entry", "", null, `${px(plan.zone[0])}–${px(plan.zone[1])}`, "", ""), row("Stop", "", plan.stop, px(plan.stop), R(-1), "down")),
  );
}
function record(signal) {
  const r = signal.record;
  if (!r) return h("p", { class: "conf-line mt-1", "data-record": "none", text: "Fewer than 20 signals like this have settled, so there is no measured record yet. The interval is the model's own." });
  return h(
    "p",
    { class: "conf-line num mt-1", "data-record": r.origin },
    "Of ",
    h("b", { text: count(r.n) }),
    " signals like this ",
    h("b", { text: `${percent(r.rate)} won` }),
    `, ${count(r.wins)} in all (95% CI ${range(r.interval)}), ${originWords(r.origin)}.`,
  );
}
function confidence(signal) {
  const n = signal.record ? signal.record.n : 0;
  const faint = n < FEW;
  return h(
    "div",
    { class: "sig-block", "data-confidence": String(signal.confidence) },
    h("h3", {}, "Confidence", h("span", { text: "chance of a win, once entered" })),
    h(
      "div",
      { class: "conf" },
      h("p", { class: "conf-big num" }, fixed(signal.confidence * 100, 0), h("small", { text: "%" })),
      confRuler({ confidence: signal.confidence, interval: signal.interval, breakEven: signal.break_even, faint }),
    ),
    record(signal),
  );
}
function waterfall(signal) {
  const start = signal.base_rate * 100;
  const end = signal.confidence * 100;
  const steps = [...signal.reasons.map((r) => ({ ...r, words: r.sentence || r.title })), { words: `${signal.other.n} smaller factors, net`, points: signal.other.points }];
  let [lo, hi, at] = [Math.min(start, end), Math.max(start, end), start];
  for (const step of steps) {
    at += step.points || 0;
    [lo, hi] = [Math.min(lo, at), Math.max(hi, at)];
  }
  [lo, hi] = [Math.max(0, lo - 3), hi + 2];
  const row = (cls, name, bar, value, tone = "") => h("div", { class: `wf-row ${cls}` }, name, bar, h("span", { class: `v ${tone}`, text: value }));
  at = start;
  return h(
    "div",
    { class: "wf num", "data-waterfall": "" },
    row("base", h("span", { text: "Random entries, same plan" }), wfBar(lo, at, lo, hi, "base"), percent(signal.base_rate)),
    steps.map((step) => {
      const from = at;
      at += step.points || 0;
      const tip = step.log_odds === undefined ? null : `${step.title}: ${fixed(step.log_odds, 3)} log-odds`;
      const name = step.price ? h("button", { type: "button", title: tip, text: step.words, onclick: () => showPrice(step.price) }) : h("span", { title: tip, text: step.words });
      return row("", name, wfBar(from, at, lo, hi), points(step.points), step.points >= 0 ? "up" : "down");
    }),
    row("total", h("span", { text: "Probability of a win" }), wfBar(lo, end, lo, hi, "total"), percent(signal.confidence)),
  );
}
function proof(signal) {
  const out = h("span", { role: "status" });
  const check = h("button", { class: "linkish", type: "button", "data-recompute": "", text: "Recompute" });
  check.addEventListener("click", async () => {
    put(out, " Building it again…");
    try {
      const found = await getJson(`signals/${signal.id}/recompute`);
      put(out, found.matches ? " It comes out the same, byte for byte." : ` It differs in ${found.differences.length} places.`);
    } catch (error) {
      put(out, ` ${error.message}`);
    }
  });
  return h("p", { class: "caveat mt-2" }, `Signal ${signal.number}, model ${signal.model}, record `, h("span", { class: "hash", title: signal.hash, text: `${signal.hash.slice(0, 8)}…${signal.hash.slice(-6)}` }), ". ", check, out);
}
function show(signal) {
  const plan = planOf(signal);
  const parts = { plan };
  parts.ruler = fit((width) => rRuler({ ...plan, targets: plan.targets.map((t) => t.price) }, priceOf(signal.symbol), width));
  parts.ruler.className = "fit ruler-r";
  const [low, high] = signal.strength_interval;
  box.replaceChildren(
    top(signal, parts),
    h(
      "div",
      { class: "sig-scroll sig-live", tabindex: 0, role: "region", "aria-label": "Signal details" },
      h(
        "div",
        { class: "sig-block" },
        parts.ruler,
        levels(signal, plan, parts),
        h("p", { class: "conf-line num mt-1" }, "Reward to risk ", h("b", { text: fixed(signal.reward_risk, 2) }), ". Expected after costs ", h("b", { text: `${R(low, 2)} to ${R(high, 2)}` }), "."),
      ),
      confidence(signal),
      h("div", { class: "sig-block" }, h("h3", {}, `Why ${percent(signal.confidence)}`, h("span", { text: "percentage points" })), waterfall(signal)),
      h("div", { class: "sig-block" }, h("p", { class: "conf-line", text: signal.invalidation }), proof(signal)),
    ),
    isOpen(signal) && h("div", { class: "sig-act" }, sizer(signal, plan)),
  );
  shown = { signal, parts };
  tick();
  move();
}
/** What changes each second: time left. */
function tick() {
  if (!shown) return;
  const { signal, parts } = shown;
  if (!isOpen(signal)) return put(parts.expiry, signal.result_r === null ? stateWords(signal) : R(signal.result_r, 2));
  const end = parse(signal.expires_at);
  put(parts.expiry, left(end - now()));
  const share = Math.max(0, Math.min(1, (end - now()) / (end - parse(signal.issued_at))));
  parts.arc.setAttribute("stroke-dasharray", `${share * 56.5} 60`);
}
/** What changes with the price: distances, the zone's word, "Now" on the ruler. */
function move() {
  if (!shown) return;
  const { signal, parts } = shown;
  const px = priceOf(signal.symbol);
  if (!Number.isFinite(px)) return;
  for (const [cell, level] of parts.distances) put(cell, change(level / px - 1));
  const inside = px >= parts.plan.zone[0] && px <= parts.plan.zone[1];
  put(parts.zone, signal.fill_price ? "entered" : inside ? "in zone" : isOpen(signal) ? "waiting" : "");
  const width = parts.ruler.clientWidth;
  if (width) parts.ruler.replaceChildren(rRuler({ ...parts.plan, targets: parts.plan.targets.map((t) => t.price) }, px, Math.max(280, width)));
}
function bar(signal) {
  const el = $("[data-sigbar]");
  if (!signal) {
    el.replaceChildren(h("span", { class: "grow", text: desk.status && !desk.status.ready ? "Warming up, no signals yet" : `No signal for ${desk.symbol}` }), icon("chevron-up"));
    return;
  }
  const px = (x) => price(x, signal.decimals);
  el.replaceChildren(
    h("span", { class: `side side-${signal.side}` }, sideGlyph(signal.side), signal.side === "long" ? "Long" : "Short"),
    h("span", {}, h("b", { class: "strong", text: percent(signal.confidence) }), h("span", { class: "ink-3", text: `  ${range(signal.interval)}` })),
    h("span", { class: "ink-2 grow r num", text: `Stop ${px(signal.stop)} · TP1 ${px(signal.targets[0].price)}` }),
    icon("chevron-up"),
  );
}
function update() {
  const signal = current();
  bar(signal);
  if (!signal) {
    shown = null;
    return showGates(box);
  }
  if (shown && shown.signal === signal) return;
  const scrolled = shown && shown.signal.id === signal.id ? $(".sig-scroll", box).scrollTop : 0;
  show(signal);
  $(".sig-scroll", box).scrollTop = scrolled;
}

let spokenAt = -ANNOUNCE_MS;
let pending = 0;
/** Tell a screen reader of a new or settled signal, at most once in ten seconds. */
export function announce(kind, signal) {
  if (kind === "changed") return;
  const words =
    kind === "issued"
      ? `New ${signal.side}, ${signal.base}, ${percent(signal.confidence)}`
      : `Settled: ${signal.side} ${signal.base}, ${stateWords(signal)}${signal.result_r === null ? "" : `, ${R(signal.result_r, 2)}`}`;
  clearTimeout(pending);
  pending = setTimeout(() => {
    spokenAt = performance.now();
    put($("[data-announce]"), words);
  }, Math.max(0, spokenAt + ANNOUNCE_MS - performance.now()));
}
export function startPanel() {
  listen(["symbol", "chosen", "ready", "timeframe"], update);
  listen("signals", () => paint("panel", update));
  listen("status", () => current() || bar(null));
  listen("prices", (symbols) => shown && symbols.has(shown.signal.symbol) && paint("panel prices", move));
  listen("second", () => {
    tick();
    if (!current()) refreshGates(box);
  });
  update();
}
