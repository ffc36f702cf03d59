// What the dashboard can do beyond the first look; loaded when the page has settled.
import { $ } from "../dom.js";
import { choose, startDrawing } from "./drawing.js";
import { theChart } from "./charting.js";
import { openLayouts, startLayouts } from "./layout-menu.js";
import { desk } from "./desk.js";
import { startHeat } from "./heat-menu.js";
import { moreKeys } from "./keys.js";
import { startMarks } from "./marks.js";
import { timeOf } from "../drawings.js";
import { startAsking } from "./tab-gates.js";
import { leave, openPast, startPast, step } from "./timemachine.js";
import { startLists } from "./watchlist-menu.js";

export function start() {
  startMarks(theChart());
  startDrawing(theChart());
  startLayouts();
  startPast();
  startHeat(theChart());
  startAsking(theChart().chart, (logical) => timeOf(theChart().view, Math.round(logical) + 1));
  startLists();
  $("[data-open-layouts]").addEventListener("click", openLayouts);
  moreKeys.set("t", () => (desk.at ? leave() : openPast()));
  moreKeys.set(",", (e) => step(-1, e.shiftKey));
  moreKeys.set("<", () => step(-1, true));
  moreKeys.set(".", (e) => step(1, e.shiftKey));
  moreKeys.set(">", () => step(1, true));
  moreKeys.set("d", () => choose("line", true));
  moreKeys.set("r", () => choose("ruler", true));
  document.body.dataset.more = "1";
}
