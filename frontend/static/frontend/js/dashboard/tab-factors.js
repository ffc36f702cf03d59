// All factors of the judged side: reading, place in its past, effect on the probability.
import { h } from "../dom.js";
import { fixed, hms, parse, percent, points, range } from "../format.js";
import { contrib, pctBar } from "../viz.js";
import { desk } from "./desk.js";

const HEADS = [
  ["Group", "x-s"],
  ["Factor", ""],
  ["Reading", "r"],
  ["Percentile", "x-s"],
  ["Effect on probability", ""],
  ["Log-odds", "r x-s"],
];

function row(f, most) {
  const effect =
    f.points === null
      ? [contrib(f.log_odds, most), h("span", { class: "ink-3", text: "  below the shown" })]
      : [contrib(f.log_odds, most), h("span", { text: `  ${points(f.points)} pp` })];
  const place =
    f.percentile === null
      ? "—"
      : [pctBar(f.percentile * 100), h("span", { class: "ink-3", text: `  ${fixed(f.percentile * 100, 0)}` })];
  return h(
    "tr",
    { "data-factor": f.name },
    h("td", { class: "ink-3 x-s", text: f.group.replaceAll("_", " ") }),
    h("td", { class: "wide", title: f.sentence || null, text: f.title }),
    h("td", { class: "r", title: f.reading === null ? "Not known now" : null, text: f.text }),
    h("td", { class: "x-s" }, place),
    h("td", {}, effect),
    h("td", { class: "r ink-3 x-s", text: fixed(f.log_odds, 3) }),
  );
}
export function factorsTab(found) {
  const most = Math.max(...found.factors.map((f) => Math.abs(f.log_odds)), 0.01);
  return [
    h(
      "p",
      { class: "pane-note conf-line num" },
      `${desk.symbol}, ${found.timeframe}, better side `,
      h("b", { text: found.side }),
      `: random entries ${percent(found.base_probability)}, with these factors `,
      h("b", { text: percent(found.probability) }),
      ` (${range(found.interval)}). Scored ${hms(parse(found.at))} UTC.`,
    ),
    h(
      "table",
      { class: "dt num" },
      h("caption", { class: "vh", text: `All factors of ${desk.symbol}, weightiest first` }),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          HEADS.map(([text, cls]) => h("th", { scope: "col", class: cls, text })),
        ),
      ),
      h(
        "tbody",
        {},
        found.factors.map((f) => row(f, most)),
      ),
    ),
  ];
}
