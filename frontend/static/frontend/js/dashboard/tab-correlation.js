// How the open symbol moves with the others.
import { ask } from "../ask.js";
import { h, s } from "../dom.js";
import { change, fixed, hm, parse, range } from "../format.js";
import { t } from "../text.js";
import { fit, svg, text } from "../viz.js";
import { desk, select } from "./desk.js";

const SHOWN = 24;
const LABELLED = 8;

function plot(found, W) {
  const H = 156;
  const markets = found.markets.slice(0, SHOWN);
  const betas = markets.map((m) => m.beta);
  const [lo, hi] = [Math.min(0, ...betas) - 0.1, Math.max(1, ...betas) + 0.1];
  const left = Math.min(0, Math.floor(Math.min(...markets.map((m) => m.correlation)) * 2) / 2);
  const X = (r) => 34 + ((r - left) / (1 - left)) * (W - 50);
  const Y = (b) => 10 + ((hi - b) / (hi - lo)) * (H - 44);
  const el = svg(W, H, t("Beta against correlation of {symbol} with {n} markets", { symbol: desk.symbol, n: markets.length }));
  for (const b of [0, 0.5, 1, 1.5, 2].filter((v) => v >= lo && v <= hi)) {
    el.append(
      s("line", { x1: 34, x2: W - 12, y1: Y(b), y2: Y(b), class: b === 1 ? "v-axis" : "v-grid" }),
      text(28, Y(b) + 4, fixed(b, 1), "v-text", "end"),
    );
  }
  for (const r of [-1, -0.5, 0, 0.5, 1].filter((v) => v >= left))
    el.append(text(X(r), H - 18, fixed(r, 1), "v-text", "middle"));
  el.append(text(W - 12, H - 4, t("correlation"), "v-text", "end"), text(34, H - 4, t("↑ beta"), "v-text"));
  const taken = [];
  markets.forEach((m, i) => {
    const [x, y] = [X(m.correlation), Y(m.beta)];
    el.append(s("circle", { cx: x, cy: y, r: 2 + m.r2 * 4, class: "v-ink3 v-faint" }));
    if (i >= LABELLED || taken.some((used) => Math.abs(used - y) < 12)) return;
    taken.push(y);
    el.append(
      x > W - 90
        ? text(x - 8, y + 4, m.symbol.replace(/USDT$/, ""), "v-text-2", "end")
        : text(x + 8, y + 4, m.symbol.replace(/USDT$/, ""), "v-text-2"),
    );
  });
  return el;
}
const lagWords = (seconds) => (seconds ? t("{minutes} min", { minutes: fixed(seconds / 60, 0) }) : t("none"));
/** Who has not followed BTC's newest jump yet, and how often each has followed before. */
function knockOn(shock) {
  if (!shock) return [h("h3", {}, t("Knock-on after a jump of BTC")), h("p", { class: "conf-line", text: t("BTC has made no jump beyond three deviations within the last day.") })];
  const heads = [[t("Market"), ""], [t("Expected"), "r"], [t("Moved"), "r"], [t("Lag"), "r"], [t("Followed before"), "r"]];
  const row = (m) =>
    h(
      "tr",
      { "data-knock": m.symbol },
      h("td", {}, h("button", { class: "linkish", type: "button", text: m.symbol, onclick: () => select(m.symbol) })),
      h("td", { class: "r", text: change(m.expected) }),
      h("td", { class: "r", text: change(m.moved) }),
      h("td", { class: "r", text: lagWords(m.lag_s) }),
      h("td", { class: "r", title: m.interval ? t("95% CI {interval}", { interval: range(m.interval) }) : null, text: t("{followed} of {n}", m) }),
    );
  return [
    h("h3", {}, t("Knock-on after a jump of BTC"), h("b", { class: "num", text: t("{move} at {time} UTC", { move: change(shock.move), time: hm(parse(shock.at)) }) })),
    h(
      "table",
      { class: "dt num" },
      h("caption", { class: "vh", text: t("Markets by how much of the expected move is missing") }),
      h("thead", {}, h("tr", {}, heads.map(([words, cls]) => h("th", { scope: "col", class: cls, text: words })))),
      h("tbody", {}, shock.markets.slice(0, SHOWN).map(row)),
    ),
    h("p", { class: "caveat", text: t("Expected: beta by the minute times the jump. Followed before: of {n} jumps within {hours} h, how often it moved on in the same direction in the quarter of an hour after. Few cases: read the interval.", { n: shock.shocks, hours: fixed(shock.minutes / 60, 0) }) }),
  ];
}
export function correlationTab(found) {
  if (!found.markets.length)
    return h("p", {
      class: "pane-note conf-line",
      text: found.reason || t("Fewer than 60 hours are known in common with any other market; correlation needs them."),
    });
  const heads = [
    [t("Market"), ""],
    [t("Beta"), "r"],
    [t("Correlation"), "r"],
    [t("Lag behind BTC"), "r"],
    ["R²", "r"],
  ];
  const row = (m) =>
    h(
      "tr",
      {},
      h("td", {}, h("button", { class: "linkish", type: "button", text: m.symbol, onclick: () => select(m.symbol) })),
      h("td", { class: "r", text: fixed(m.beta, 2) }),
      h("td", { class: "r", text: fixed(m.correlation, 2) }),
      h("td", { class: "r", text: m.lag_s === null ? "—" : lagWords(m.lag_s) }),
      h("td", { class: "r ink-2", text: fixed(m.r2, 2) }),
    );
  return h(
    "div",
    { class: "split" },
    h(
      "div",
      {},
      knockOn(found.knock_on),
      h("h3", { class: "mt-2" }, t("Beta of {symbol} to others", desk), ask("correlation"), h("b", { text: t("size: R²") })),
      fit((w) => plot(found, w)),
    ),
    h(
      "div",
      {},
      h("h3", {}, t("Strongest first"), h("b", { text: found.window })),
      h(
        "table",
        { class: "dt num" },
        h("caption", { class: "vh", text: t("Beta and correlation of {symbol} with other markets", desk) }),
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            heads.map(([words, cls]) => h("th", { scope: "col", class: cls, text: words })),
          ),
        ),
        h("tbody", {}, found.markets.slice(0, SHOWN).map(row)),
      ),
    ),
  );
}
