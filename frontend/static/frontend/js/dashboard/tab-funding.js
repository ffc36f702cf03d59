// Funding of the last settlements and open interest of the last day, and what both say together.
import { ask } from "../ask.js";
import { h } from "../dom.js";
import { change, day, fixed, funding, hm, left, parse, usd } from "../format.js";
import { t } from "../text.js";
import { fit } from "../viz.js";
import { now as clock } from "./desk.js";
import { columns, lines } from "../viz-series.js";

const stamp = (seconds) => `${day(seconds * 1000)} ${hm(seconds * 1000)}`;
function ends(series, words) {
  return [
    [0, words(series[0][0]), "start"],
    [1, words(series[series.length - 1][0]), "end"],
  ];
}
function rates(found) {
  const history = found.history;
  if (history.length < 2) return h("p", { class: "conf-line", text: t("Fewer than two settlements are known yet.") });
  const values = history.map(([, rate]) => rate * 100);
  const yfmt = (v) => (v === 0 ? "0" : `${fixed(v, 4)}%`);
  return fit((w) =>
    columns(w, 156, values, {
      label: t("Funding rate at the last {n} settlements, the last {rate} per cent", {
        n: values.length,
        rate: fixed(values[values.length - 1], 4),
      }),
      yfmt,
      xlab: ends(history, stamp),
    }),
  );
}
function interest(found) {
  const series = found.open_interest;
  if (series.length < 2) return h("p", { class: "conf-line", text: t("Open interest is not known for this market yet.") });
  const values = series.map(([, v]) => v);
  return fit((w) =>
    lines(w, 156, values, {
      label: t("Open interest from {first} to {last}", { first: usd(values[0]), last: usd(values[values.length - 1]) }),
      yfmt: usd,
      xlab: ends(series, stamp),
    }),
  );
}
/** What price and open interest say together: the four ways, the one that holds now marked. */
function quadrants(found) {
  const held = found.quadrant ? found.quadrant.split(": ")[1] : "";
  const ways = [["new longs", t("price up, OI up"), t("new longs")], ["new shorts", t("price down, OI up"), t("new shorts")], ["shorts closing", t("price up, OI down"), t("shorts closing")], ["longs closing", t("price down, OI down"), t("longs closing")]];
  return h(
    "ul",
    { class: "quad", "aria-label": t("What price and open interest of four hours say together") },
    ways.map(([key, when, words]) => h("li", { "aria-current": key === held ? "true" : null }, h("b", { text: words }), h("span", { text: when }))),
  );
}
export function fundingTab(found) {
  const rate = { rate: funding(found.rate), place: fixed(found.percentile * 100, 0) };
  const now = found.percentile === null ? t("now {rate}", rate) : t("now {rate}, {place}th percentile", rate);
  const last = found.open_interest.length ? usd(found.open_interest[found.open_interest.length - 1][1]) : "—";
  return h(
    "div",
    { class: "split" },
    h(
      "div",
      {},
      h(
        "h3",
        {},
        t("Funding rate, every {hours} h", { hours: found.interval_hours }),
        ask("funding"),
        h("b", { class: "num", text: now }),
      ),
      rates(found),
      found.next_at && h("p", { class: "conf-line num", text: t("Next settlement in {time}. Above zero longs pay shorts. The percentile is the place in this market's own past.", { time: left(parse(found.next_at) - clock()) }) }),
    ),
    h(
      "div",
      {},
      h(
        "h3",
        {},
        t("Open interest, 24 h"),
        ask("open_interest"),
        h("b", { class: "num", text: t("{last}, {change} in 4 h", { last, change: change(found.oi_change_4h, 1) }) }),
      ),
      interest(found),
      found.quadrant && quadrants(found),
    ),
  );
}
