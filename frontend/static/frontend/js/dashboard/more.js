// What the dashboard can do beyond the first look; loaded when the page has settled.
import { $ } from "../dom.js";
import { theChart } from "./charting.js";
import { startDrawing } from "./drawing.js";
import { openLayouts, startLayouts } from "./layout-menu.js";
import { startMarks } from "./marks.js";
import { startLists } from "./watchlist-menu.js";

export function start() {
  startMarks(theChart());
  startDrawing(theChart());
  startLayouts();
  startLists();
  $("[data-open-layouts]").addEventListener("click", openLayouts);
  document.body.dataset.more = "1";
}
