// What the dashboard can do beyond the first look; loaded when the page has settled.
import { theChart } from "./charting.js";
import { startDrawing } from "./drawing.js";
import { startMarks } from "./marks.js";

export function start() {
  startMarks(theChart());
  startDrawing(theChart());
  document.body.dataset.more = "1";
}
