// The nearest historical cases: how the stretches went on that were most like the last candles.
import { h, s } from "../dom.js";
import { change, fixed, moment, parse, percent, range } from "../format.js";
import { pieces, t } from "../text.js";
import { fit, line, svg, text } from "../viz.js";
import { desk, lookBack, select } from "./desk.js";

const SHOWN = 12;
const points = (path, X, Y) => path.map((v, i) => `${i ? "L" : "M"}${X(i).toFixed(1)} ${Y(v).toFixed(1)}`).join("");

function plot(found, W) {
  const H = 156;
  const all = found.cases.flatMap((c) => c.path).concat(found.path);
  const [lo, hi] = [Math.min(...all), Math.max(...all)];
  const length = found.length + found.horizon;
  const X = (i) => 6 + (i / (length - 1)) * (W - 66);
  const Y = (v) => 10 + ((hi - v) / (hi - lo || 1)) * (H - 34);
  const el = svg(W, H, t("Paths of the {n} nearest cases, drawn over the last {length} candles", { n: found.cases.length, length: found.length }));
  const now = X(found.length - 1);
  el.append(line(now, 4, now, H - 20, "v-axis"), line(6, Y(1), W - 60, Y(1), "v-grid"));
  for (const c of found.cases) {
    const cls = c.move > 0 ? "v-up-l" : "v-down-l";
    el.append(s("path", { d: points(c.path.slice(0, found.length), X, Y), class: "v-grid-l v-faint" }));
    el.append(s("path", { d: points(c.path.slice(found.length - 1), (i) => X(i + found.length - 1), Y), class: `${cls} v-faint` }));
  }
  el.append(s("path", { d: points(found.path, X, Y), class: "v-ink-l" }));
  for (const v of [hi, lo]) el.append(text(W - 54, Y(v) + 4, change(v - 1, 1)));
  el.append(text(now, H - 5, t("now"), "v-text-2", "middle"), text(W - 60, H - 5, t("+{n} candles", { n: found.horizon }), "v-text", "end"));
  return el;
}
function row(c) {
  return h(
    "tr",
    {},
    h("td", {}, h("button", { class: "linkish", type: "button", text: c.symbol, onclick: () => select(c.symbol) })),
    h("td", {}, h("button", { class: "linkish num", type: "button", title: t("Look at this minute"), text: moment(parse(c.at)), onclick: () => (select(c.symbol), lookBack(`${c.at.slice(0, 16)}Z`)) })),
    h("td", { class: "r", text: fixed(c.distance, 2) }),
    h("td", { class: `r ${c.move > 0 ? "up" : "down"}`, text: change(c.move) }),
  );
}
export function analogsTab(found) {
  const { near, all } = found;
  const heads = [[t("Market"), ""], [t("Ended"), ""], [t("Distance"), "r"], [t("What followed"), "r"]];
  return h(
    "div",
    { class: "split" },
    h(
      "div",
      {},
      h("h3", {}, t("{symbol}, {timeframe}: the last {length} candles and what followed the nearest", { ...found, symbol: desk.symbol }), h("b", { text: t("{n} searched", { n: all.n }) })),
      fit((w) => plot(found, w)),
      h(
        "p",
        { class: "conf-line num" },
        pieces(t("{up} of {n} nearest rose over {horizon} candles (95% CI {interval}), median {median}. Of all searched {share} rose."), {
          up: h("b", { text: String(near.up) }),
          n: String(near.n),
          horizon: String(found.horizon),
          interval: range(near.interval),
          median: h("b", { text: change(found.median_move) }),
          share: percent(all.up / all.n, 1),
        }),
      ),
      h("p", { class: "caveat", text: t("Alike in shape and in how wild they were, all of them over before these candles began. A dozen cases prove nothing: read the interval, and compare it with the share of all.") }),
    ),
    h(
      "div",
      {},
      h("h3", {}, t("Nearest first")),
      h(
        "table",
        { class: "dt num" },
        h("caption", { class: "vh", text: t("Nearest historical cases of {symbol}", desk) }),
        h("thead", {}, h("tr", {}, heads.map(([words, cls]) => h("th", { scope: "col", class: cls, text: words })))),
        h("tbody", {}, found.cases.slice(0, SHOWN).map(row)),
      ),
    ),
  );
}
