// "Why no trade": every gate with its value, its limit and its verdict, read again while in sight.
import { ApiError, reader, wasReplaced } from "../api.js";
import { ask } from "../ask.js";
import { $, h, icon, note, sideWord, skeleton } from "../dom.js";
import { R, count, fixed, hms, parse, percent, range, usd } from "../format.js";
import { pieces, t } from "../text.js";
import { asOf, desk, hasScores, isPhone, judged, warmingText } from "./desk.js";

const EVERY_MS = 5000;
const PERCENT = new Set(["edge", "known_factors", "familiar"]);
const UNITS = { fresh_data: " s", spread: " bp", pause: " min", liquidation_safety: "×" };
const read = reader();
let shownFor = "";
let readAt = 0;

function value(gate, x) {
  if (x === null) return "";
  if (PERCENT.has(gate.name)) return percent(x, gate.name === "edge" ? 1 : 0);
  if (gate.name === "liquidity") return usd(x);
  const whole = ["best_of_moment", "liquidation_safety", "pause"].includes(gate.name);
  return fixed(x, whole ? 0 : gate.name === "reward_risk" ? 2 : 1) + (UNITS[gate.name] || "");
}
const LIMIT = { fresh_data: t("limit"), spread: t("limit"), best_of_moment: t("of the best"), reward_risk: t("from") };
export function row(gate) {
  const mark = icon(gate.passed ? "check" : "x");
  mark.classList.add(gate.passed ? "up" : "down");
  const limit = LIMIT[gate.name] || t("needs");
  return h(
    "div",
    { class: "gate", "data-gate": gate.name, "data-passed": String(gate.passed) },
    mark,
    h(
      "div",
      {},
      h("span", { class: "strong", text: gate.title }),
      h("span", { class: "vh", text: gate.passed ? t(", passed") : t(", not passed") }),
      h("p", { text: gate.sentence }),
    ),
    h(
      "div",
      { class: "val num" },
      h("span", { text: value(gate, gate.value) }),
      gate.value !== null &&
        gate.limit !== null &&
        h("small", { text: `${limit} ${value(gate, gate.limit)}` }),
    ),
  );
}
export function turnedDown(found) {
  const r = found.rejected_30d;
  if (!r) return null;
  const few = t("Few cases: read the interval.");
  return h(
    "div",
    { class: "sig-block" },
    h(
      "h3",
      {},
      t("Setups turned down here"),
      h("span", { text: r.origin === "backtest" ? t("walk-forward back-test") : r.origin }),
    ),
    h(
      "p",
      { class: "conf-line num" },
      pieces(t("{count} for this symbol and timeframe. Had we taken them: {won} (95% CI {interval}), mean {mean}."), {
        count: count(r.n),
        won: h("b", { text: t("{rate} won", { rate: percent(r.win_rate, 1) }) }),
        interval: range(r.interval),
        mean: h("b", { text: R(r.mean_r, 2) }),
      }),
      r.n < 50 && ` ${few}`,
    ),
  );
}
function head(meta) {
  return h(
    "div",
    { class: "sig-top" },
    h(
      "div",
      {},
      h("h2", { id: "sig-h" }, t("No signal"), h("span", { class: "ink-3", text: desk.symbol })),
      h("p", { class: "meta num", text: meta }),
    ),
  );
}
function draw(box, found) {
  const passed = found.gates.filter((g) => g.passed).length;
  const scroll = $(".sig-scroll", box);
  const top = scroll ? scroll.scrollTop : 0;
  const failing = found.gates.find((g) => !g.passed);
  box.replaceChildren(
    head(t("Judged at {time} UTC, {timeframe} timeframe", { time: hms(parse(found.at)), timeframe: found.timeframe })),
    h(
      "div",
      { class: "sig-scroll", tabindex: 0, role: "region", "aria-label": t("Why there is no signal") },
      h(
        "div",
        { class: "sig-block" },
        h(
          "h3",
          {},
          t("Why no trade"),
          ask("gates"),
          h("span", { text: t("{passed} of {all} gates passed", { passed, all: found.gates.length }) }),
        ),
        h(
          "p",
          { class: "conf-line num" },
          pieces(t("Better side: {side}. Chance of a win {chance} ({interval}), break-even {even}."), {
            side: h("b", { text: sideWord(found.side) }),
            chance: h("b", { text: percent(found.probability) }),
            interval: range(found.interval),
            even: percent(found.break_even),
          }),
        ),
        h("div", { class: "gates", "data-gates": "" }, found.gates.map(row)),
      ),
      failing === undefined &&
        h(
          "div",
          { class: "sig-block" },
          h("p", {
            class: "conf-line",
            text: t(
              "Every gate is open at this moment. A signal is issued when a candle closes or when the moment stands long enough.",
            ),
          }),
        ),
      turnedDown(found),
    ),
  );
  $(".sig-scroll", box).scrollTop = top;
}
function plain(box, child) {
  box.replaceChildren(
    head(desk.status && desk.status.model ? t("Model {version}", desk.status.model) : t("No model yet")),
    h(
      "div",
      { class: "sig-scroll", tabindex: 0, role: "region", "aria-label": t("Signal") },
      h("div", { class: "sig-block" }, child),
    ),
  );
}
function waiting(box, why = "") {
  const text = warmingText();
  const words = why
    ? why
    : text
    ? t("Still warming up: {what}. Gates and signals appear here by themselves.", { what: text })
    : t("The engine has not judged this market yet. It is asked again every few seconds.");
  plain(box, h("p", { class: "conf-line", "data-warming": "", text: words }));
  shownFor = "";
}
async function load(box) {
  const key = `${desk.symbol} ${judged()} ${desk.at}`;
  readAt = performance.now();
  if (!hasScores()) return waiting(box);
  try {
    const found = await read(asOf(`markets/${encodeURIComponent(desk.symbol)}/gates?timeframe=${judged()}`));
    shownFor = key;
    draw(box, found);
  } catch (error) {
    if (wasReplaced(error)) return;
    if (error instanceof ApiError && error.code === "engine_silent") waiting(box);
    else if (error instanceof ApiError && (error.code === "not_judged" || error.code === "not_kept")) {
      if (shownFor !== key) waiting(box, error.message);
    } else if (shownFor !== key)
      plain(
        box,
        note("bad", t("The gates could not be read"), error.message, () => load(box)),
      );
    // A later read that fails leaves what is shown: the ribbon tells of the lost feed.
  }
}
/** Show the gates of the open symbol. */
export function showGates(box) {
  const key = `${desk.symbol} ${judged()} ${desk.at}`;
  if (shownFor === key && box.querySelector("[data-gates]")) return;
  if (shownFor !== key || !box.querySelector("[data-gates]")) plain(box, skeleton(60, 90, 80, 95, 70));
  shownFor = "";
  load(box);
}
/** Read again if it is time and somebody can see it. */
export function refreshGates(box) {
  const seen =
    !document.hidden &&
    (!isPhone.matches || document.body.dataset.view === "signal" || document.body.dataset.view === "chart");
  if (seen && !desk.at && !desk.isStale && performance.now() - readAt > EVERY_MS) load(box);
}
