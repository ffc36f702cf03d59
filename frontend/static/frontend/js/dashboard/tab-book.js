// The visible order book: cumulative depth on both sides, and how it tilts by band.
import { ask } from "../ask.js";
import { h, note, s } from "../dom.js";
import { age, bps, fixed, percent } from "../format.js";
import { t } from "../text.js";
import { contrib, fit, svg, text } from "../viz.js";
import { desk, market } from "./desk.js";

function cumulated(levels) {
  let sum = 0;
  return levels.map(([price, quantity]) => [price, (sum += quantity)]);
}
function depth(found, W) {
  const H = 156;
  const [bids, asks] = [cumulated(found.bids), cumulated(found.asks)];
  const d = market() ? market().decimals : 2;
  const reach = Math.max(found.mid - bids[bids.length - 1][0], asks[asks.length - 1][0] - found.mid) || 1;
  const most = Math.max(bids[bids.length - 1][1], asks[asks.length - 1][1]);
  const base = market() ? market().base : "";
  const sums = { bids: fixed(bids[bids.length - 1][1], 1), asks: fixed(asks[asks.length - 1][1], 1), base };
  const X = (p) => W / 2 + ((p - found.mid) / reach) * (W / 2 - 6);
  const Y = (v) => 22 + ((most - v) / most) * (H - 48);
  const el = svg(
    W,
    H,
    t("Depth of the visible book: bids {bids} {base}, asks {asks} {base}", sums),
  );
  for (const [side, cls] of [
    [bids, "up"],
    [asks, "down"],
  ]) {
    let line = `M${X(side[0][0]).toFixed(1)} ${Y(0).toFixed(1)}`;
    side.forEach(([p, sum], i) => {
      line += `L${X(p).toFixed(1)} ${Y(sum).toFixed(1)}`;
      if (side[i + 1]) line += `L${X(side[i + 1][0]).toFixed(1)} ${Y(sum).toFixed(1)}`;
    });
    const end = X(side[side.length - 1][0]).toFixed(1);
    el.append(
      s("path", { d: `${line}L${end} ${Y(0)}Z`, class: `v-${cls}-w` }),
      s("path", { d: line, class: `v-${cls}-l` }),
    );
  }
  el.append(
    s("line", { x1: 0, x2: W, y1: Y(0), y2: Y(0), class: "v-tick" }),
    text(6, H - 8, fixed(found.mid - reach, d)),
    text(W - 6, H - 8, fixed(found.mid + reach, d), "v-text", "end"),
    text(W / 2, H - 8, t("mid {price}", { price: fixed(found.mid, d) }), "v-text-2", "middle"),
    text(W / 2 - 14, 14, t("Bids {bids} {base}", sums), "v-text-2", "end"),
    text(W / 2 + 14, 14, t("Asks {asks} {base}", sums), "v-text-2"),
  );
  return el;
}
function band(b) {
  const unknown = b.imbalance === null ? t("The visible book does not reach this far") : null;
  return h(
    "tr",
    { "data-band": String(b.band), title: unknown },
    h("td", { text: `± ${percent(b.band, 1)}` }),
    h("td", { class: "r", text: unknown ? "—" : `${fixed(b.ratio, 2)} : 1` }),
    h("td", {}, unknown ? "—" : contrib(b.imbalance, 1)),
    h("td", { class: "r", text: unknown || b.held_s === null ? "—" : age(b.held_s) }),
  );
}
export function bookTab(found) {
  if (!found.bids.length || !found.asks.length)
    return h(
      "div",
      { class: "pane-note" },
      note("info", t("No order book"), found.reason || t("No order book is known for this market now.")),
    );
  const old = found.age_s > 10;
  return h(
    "div",
    { class: "split" },
    h(
      "div",
      {},
      h(
        "h3",
        {},
        t("Depth, {symbol}", desk),
        h("b", {
          class: `num ${old ? "warn" : ""}`,
          text: t("{age} old, spread {spread}", { age: age(found.age_s), spread: bps(found.spread_bps) }),
        }),
      ),
      fit((w) => depth(found, w)),
    ),
    h(
      "div",
      {},
      h("h3", {}, t("Imbalance, bids to asks"), ask("book")),
      h(
        "table",
        { class: "dt num" },
        h("caption", { class: "vh", text: t("Imbalance of the order book by band around the middle price") }),
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            [
              [t("Band"), ""],
              [t("Ratio"), "r"],
              [t("Tilt"), ""],
              [t("Held for"), "r"],
            ].map(([words, cls]) => h("th", { scope: "col", class: cls, text: words })),
          ),
        ),
        h("tbody", {}, found.bands.map(band)),
      ),
      h("p", {
        class: "caveat mt-2",
        text: t(
          "Resting orders can be withdrawn. How long a tilt lasts counts for more than how large it is. A dash: the visible book does not reach that far.",
        ),
      }),
    ),
  );
}
