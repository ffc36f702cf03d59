// Funding of the last settlements and open interest of the last day, and what both say together.
import { h } from "../dom.js";
import { change, day, fixed, funding, hm, usd } from "../format.js";
import { columns, fit, lines } from "../viz.js";

const stamp = (seconds) => `${day(seconds * 1000)} ${hm(seconds * 1000)}`;
function ends(series, words) {
  return [
    [0, words(series[0][0]), "start"],
    [1, words(series[series.length - 1][0]), "end"],
  ];
}
function rates(found) {
  const history = found.history;
  if (history.length < 2) return h("p", { class: "conf-line", text: "Fewer than two settlements are known yet." });
  const values = history.map(([, rate]) => rate * 100);
  const yfmt = (v) => (v === 0 ? "0" : `${fixed(v, 4)}%`);
  return fit((w) =>
    columns(w, 156, values, {
      label: `Funding rate at the last ${values.length} settlements, the last ${fixed(values[values.length - 1], 4)} per cent`,
      yfmt,
      xlab: ends(history, stamp),
    }),
  );
}
function interest(found) {
  const series = found.open_interest;
  if (series.length < 2) return h("p", { class: "conf-line", text: "Open interest is not known for this market yet." });
  const values = series.map(([, v]) => v);
  return fit((w) =>
    lines(w, 156, values, {
      label: `Open interest from ${usd(values[0])} to ${usd(values[values.length - 1])}`,
      yfmt: usd,
      xlab: ends(series, stamp),
    }),
  );
}
export function fundingTab(found) {
  const place = found.percentile === null ? "" : `, ${fixed(found.percentile * 100, 0)}th percentile`;
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
        `Funding rate, every ${found.interval_hours} h`,
        h("b", { class: "num", text: `now ${funding(found.rate)}${place}` }),
      ),
      rates(found),
    ),
    h(
      "div",
      {},
      h(
        "h3",
        {},
        "Open interest, 24 h",
        h("b", { class: "num", text: `${last}, ${change(found.oi_change_4h, 1)} in 4 h` }),
      ),
      interest(found),
      found.quadrant && h("p", { class: "caveat", text: `${found.quadrant} (over 4 h).` }),
    ),
  );
}
