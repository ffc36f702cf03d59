// All factors of the judged side: reading, place in its past, effect on the probability.
import { h, sideWord } from "../dom.js";
import { fixed, hms, parse, percent, points, range } from "../format.js";
import { pieces, t } from "../text.js";
import { contrib, pctBar, wfBar } from "../viz.js";
import { desk } from "./desk.js";

const HEADS = [
  [t("Group"), "x-s"],
  [t("Factor"), ""],
  [t("Reading"), "r"],
  [t("Percentile"), "x-s"],
  [t("Effect on probability"), ""],
  [t("Log-odds"), "r x-s"],
];

/** The walk from random entries to the shown chance: factor → its step; the scale takes in all of it. */
function walk(found) {
  let [at, lo, hi] = [found.base_probability * 100, found.base_probability * 100, found.base_probability * 100];
  const steps = new Map();
  for (const f of found.factors) {
    if (f.points === null) continue;
    steps.set(f.name, [at, (at += f.points)]);
    [lo, hi] = [Math.min(lo, at), Math.max(hi, at)];
  }
  return { steps, lo: Math.max(0, lo - 1), hi: hi + 1 };
}
/** How it stood before: its module comes with the first look. */
const history = (e, f, timeframe) =>
  import("./factor-history.js").then((m) => m.toggleHistory(e.target.closest("tr"), f, timeframe));
function row(f, most, { steps, lo, hi }, timeframe) {
  const [below, shown] = [t("below the shown"), t("{points} pp", { points: points(f.points) })];
  const effect =
    f.points === null
      ? [contrib(f.log_odds, most), h("span", { class: "ink-3", text: `  ${below}` })]
      : [h("span", { class: "wf-cell" }, wfBar(...steps.get(f.name), lo, hi)), h("span", { text: `  ${shown}` })];
  const place =
    f.percentile === null
      ? "—"
      : [pctBar(f.percentile * 100), h("span", { class: "ink-3", text: `  ${fixed(f.percentile * 100, 0)}` })];
  return h(
    "tr",
    { "data-factor": f.name },
    h("td", { class: "ink-3 x-s", text: f.group.replaceAll("_", " ") }),
    h("td", { class: "wide", title: f.sentence || null }, h("button", { class: "linkish l", type: "button", "aria-expanded": "false", text: f.title, onclick: (e) => history(e, f, timeframe) })),
    h("td", { class: "r", title: f.reading === null ? t("Not known now") : null, text: f.text }),
    h("td", { class: "x-s" }, place),
    h("td", {}, effect),
    h("td", { class: "r ink-3 x-s", text: fixed(f.log_odds, 3) }),
  );
}
export function factorsTab(found) {
  const steps = walk(found);
  const most = Math.max(...found.factors.map((f) => Math.abs(f.log_odds)), 0.01);
  return [
    h(
      "p",
      { class: "pane-note conf-line num" },
      pieces(
        t(
          "{symbol}, {timeframe}, better side {side}: random entries {base}, with these factors {chance} ({interval}). Scored {time} UTC.",
        ),
        {
          symbol: desk.symbol,
          timeframe: found.timeframe,
          side: h("b", { text: sideWord(found.side) }),
          base: percent(found.base_probability),
          chance: h("b", { text: percent(found.probability) }),
          interval: range(found.interval),
          time: hms(parse(found.at)),
        },
      ),
    ),
    h(
      "table",
      { class: "dt num" },
      h("caption", { class: "vh", text: t("All factors of {symbol}, weightiest first", desk) }),
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
        found.factors.map((f) => row(f, most, steps, found.timeframe)),
      ),
    ),
  ];
}
