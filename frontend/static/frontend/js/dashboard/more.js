// What the dashboard can do beyond the first look; loaded when the page has settled.
import { timeOf } from "../drawings.js";
import { $ } from "../dom.js";
import { t } from "../text.js";
import { alertHere, startAlerts } from "./alerts.js";
import { theChart } from "./charting.js";
import { desk, listen } from "./desk.js";
import { choose, startDrawing } from "./drawing.js";
import { openHeat, startHeat } from "./heat-menu.js";
import { moreKeys } from "./keys.js";
import { arrange, layoutChanged, openLayouts, startLayouts } from "./layout-menu.js";
import { startMarks } from "./marks.js";
import { setCharts, startMulti } from "./multi.js";
import { startPalette } from "./palette.js";
import { startAsking } from "./tab-gates.js";
import { leave, openPast, startPast, step } from "./timemachine.js";
import { openLists, startLists } from "./watchlist-menu.js";

const past = () => (desk.at ? leave() : openPast());
const commands = () => [
  { name: t("One chart"), act: () => setCharts(1), key: "" },
  { name: t("Two charts"), act: () => setCharts(2), key: "" },
  { name: t("Four charts"), act: () => setCharts(4), key: "" },
  { name: t("Watch-lists"), act: openLists, key: "" },
  { name: t("Adjust the heatmap"), act: openHeat, key: "" },
  { name: t("Move panels"), act: () => arrange(true), key: "" },
  { name: t("Layouts"), act: openLayouts, key: "" },
  { name: t("Set an alert"), act: alertHere, key: "A" },
  { name: t("Time machine"), act: past, key: "T" },
];
const KEYS = {
  t: past,
  a: alertHere,
  d: () => choose("line", true),
  r: () => choose("ruler", true),
  ",": (e) => step(-1, e.shiftKey),
  "<": () => step(-1, true),
  ".": (e) => step(1, e.shiftKey),
  ">": () => step(1, true),
};
export function start(first, live) {
  const chart = theChart();
  startMarks(chart);
  startAlerts(chart, live);
  startDrawing(chart);
  startHeat(chart);
  startMulti(live);
  listen("charts-changed", layoutChanged);
  startLayouts();
  startLists();
  startPast();
  startAsking(chart.chart, (logical) => timeOf(chart.view, Math.round(logical) + 1));
  startPalette(commands());
  $("[data-open-layouts]").addEventListener("click", openLayouts);
  for (const [key, act] of Object.entries(KEYS)) moreKeys.set(key, act);
  document.body.dataset.more = "1";
}
