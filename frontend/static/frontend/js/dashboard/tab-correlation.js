// How the open symbol moves with the others.
import { ask } from "../ask.js";
import { h, s } from "../dom.js";
import { fixed } from "../format.js";
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
export function correlationTab(found) {
  if (!found.markets.length)
    return h("p", {
      class: "pane-note conf-line",
      text: t("Fewer than 60 hours are known in common with any other market; correlation needs them."),
    });
  const heads = [
    [t("Market"), ""],
    [t("Beta"), "r"],
    [t("Correlation"), "r"],
    ["R²", "r"],
  ];
  const row = (m) =>
    h(
      "tr",
      {},
      h("td", {}, h("button", { class: "linkish", type: "button", text: m.symbol, onclick: () => select(m.symbol) })),
      h("td", { class: "r", text: fixed(m.beta, 2) }),
      h("td", { class: "r", text: fixed(m.correlation, 2) }),
      h("td", { class: "r ink-2", text: fixed(m.r2, 2) }),
    );
  return h(
    "div",
    { class: "split" },
    h(
      "div",
      {},
      h("h3", {}, t("Beta of {symbol} to others", desk), ask("correlation"), h("b", { text: t("size: R²") })),
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
