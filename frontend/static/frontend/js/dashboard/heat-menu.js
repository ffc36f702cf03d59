// Adjusting the map of estimated liquidations: side, how far back, units, ends of the colour scale, used-up levels.
import { $, h, put } from "../dom.js";
import { fixed, percent, usd } from "../format.js";
import { Layer, inPixels } from "../layers.js";
import { t } from "../text.js";
import { showCap } from "./charting.js";
import { desk, market } from "./desk.js";
import { held, hold } from "./local.js";
import { sheet } from "./sheet.js";

const USUAL = { only: "", hours: 0, unit: "usd", faintest: 2, top: 100, ghosts: false };
const MOST_GHOSTS = 80;
const LEAST_SHARE = 0.3; // of the scale's top: what was smaller leaves no ghost
let chart;
let choice = { ...USUAL };
let ghosts = [];
let layer;

/** Mean and spread of the filled cells, for the distance from the usual. */
function spread(map) {
  const filled = map.cells.filter((v) => v > 0);
  const mean = filled.reduce((a, v) => a + v, 0) / (filled.length || 1);
  const square = filled.reduce((a, v) => a + (v - mean) ** 2, 0) / (filled.length || 1);
  return { mean, deviation: Math.sqrt(square) || 1 };
}
function unitOf(name) {
  const map = chart.view.heat;
  if (name === "z" && map) {
    const { mean, deviation } = spread(map);
    return (value) => `${fixed((value - mean) / deviation, 1)} σ`;
  }
  const interest = market() && market().open_interest_usd;
  if (name === "oi" && interest) return (value) => t("{share} of open interest", { share: percent(value / interest, 2) });
  return usd;
}
/** Levels that stood out and are gone from one column to the next: the price has used them up. */
function findGhosts(map) {
  const found = [];
  const least = map.scale.cap * LEAST_SHARE;
  for (let c = 1; c < map.times.length; c++) {
    for (let k = 0; k < map.rows; k++) {
      const [was, is] = [map.cells[(c - 1) * map.rows + k], map.cells[c * map.rows + k]];
      if (was >= least && is < was * 0.25) found.push({ at: map.times[c], price: map.edge(k + 0.5), usd: was });
    }
  }
  return found.sort((a, b) => b.usd - a.usd).slice(0, MOST_GHOSTS);
}
function ghostLayer(view) {
  return new Layer("normal", view, (scope, L) =>
    inPixels(scope, (ctx) => {
      if (!choice.ghosts || !view.candles.length) return;
      ctx.strokeStyle = view.colours.ink2;
      ctx.setLineDash([1, 3]);
      for (const { at, price } of ghosts) {
        const [x, y] = [L.x(view.logical(at)), L.y(price)];
        if (x === null || y === null) continue;
        ctx.beginPath();
        ctx.moveTo(x - 3, y - 3);
        ctx.lineTo(x + 3, y + 3);
        ctx.moveTo(x + 3, y - 3);
        ctx.lineTo(x - 3, y + 3);
        ctx.moveTo(x + 4, y);
        ctx.lineTo(x + 40, y);
        ctx.stroke();
      }
      ctx.setLineDash([]);
    }),
  );
}
function apply() {
  const { view } = chart;
  view.adjusted = { only: choice.only, hours: choice.hours, faintest: choice.faintest / 100, top: choice.top / 100 };
  view.inUnits = unitOf(choice.unit);
  if (view.heat) {
    ghosts = choice.ghosts ? findGhosts(view.heat) : [];
    chart.heat(view.heat);
    showCap();
  }
  layer.refresh();
}
function choose(change) {
  choice = { ...choice, ...change };
  hold("heat", choice);
  apply();
}
function radio(label, name, options) {
  const group = h(
    "div",
    { class: "seg", role: "group", "aria-label": label },
    options.map(([value, words]) =>
      h("button", {
        type: "button",
        "aria-pressed": String(choice[name] === value),
        "data-heat": `${name}-${value}`,
        text: words,
        onclick: (e) => {
          choose({ [name]: value });
          for (const b of e.target.parentElement.children) b.setAttribute("aria-pressed", String(b === e.target));
        },
      }),
    ),
  );
  return [h("span", { text: label }), group];
}
function slider(label, name, least, most) {
  const out = h("output", { class: "num", text: `${choice[name]}%` });
  const input = h("input", { type: "range", min: least, max: most, value: choice[name], "aria-label": label, "data-heat": name });
  input.addEventListener("input", () => {
    choose({ [name]: Number(input.value) });
    put(out, `${input.value}%`);
  });
  return [h("span", { text: label }), input, out];
}
export function openHeat() {
  const check = h("input", { type: "checkbox", checked: choice.ghosts, "data-heat": "ghosts" });
  check.addEventListener("change", () => choose({ ghosts: check.checked }));
  sheet(t("Heatmap, estimated"), [
    h(
      "div",
      { class: "heat-form" },
      radio(t("Side"), "only", [["", t("Both")], ["long", t("Longs")], ["short", t("Shorts")]]),
      radio(t("Range"), "hours", [[0, t("All kept")], [48, "48 h"], [24, "24 h"], [12, "12 h"], [4, "4 h"]]),
      radio(t("Unit"), "unit", [["usd", t("Dollars")], ["oi", t("% of open interest")], ["z", t("Distance from the mean")]]),
      slider(t("Nothing below, of the top"), "faintest", 0, 40),
      slider(t("Full colour at"), "top", 20, 200),
      h("label", { class: "check" }, check, h("span", { text: t("Mark levels that the price has used up") })),
    ),
    h("p", { class: "caveat", text: t("One model, estimated: positions opened by volume and open interest, spread over leverage tiers, used up when crossed, closed with turnover. Tiers cannot be told apart in it: it keeps dollars by side and price. Compare cells with each other, not with what the exchange reports.") }),
    h("p", { class: "row" }, h("button", { class: "btn", type: "button", text: t("As usual"), onclick: () => (choose(USUAL), openHeat()) })),
  ]);
}
export function startHeat(made) {
  chart = made;
  layer = ghostLayer(chart.view);
  chart.attach("ghosts", layer);
  choice = { ...USUAL, ...held("heat", {}) };
  if (desk.symbol) apply();
  $("[data-open-heat]").addEventListener("click", openHeat);
  // A new map brings its own levels.
  const { heat } = chart;
  chart.heat = (map) => {
    if (map && choice.ghosts) ghosts = findGhosts(map);
    if (map && choice.unit !== "usd") chart.view.inUnits = unitOf(choice.unit);
    heat(map);
  };
}
