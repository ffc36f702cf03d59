// The history of one factor below its row: reading and effect at the last closes, as they were judged then.
import { ApiError, getJson } from "../api.js";
import { h, skeleton } from "../dom.js";
import { day, fixed, hm } from "../format.js";
import { t } from "../text.js";
import { fit } from "../viz.js";
import { columns, lines } from "../viz-series.js";
import { asOf, desk } from "./desk.js";

const H = 110;
const stamp = (seconds) => `${day(seconds * 1000)} ${hm(seconds * 1000)}`;

function drawn(found, title) {
  const known = found.points.filter(([, reading]) => reading !== null);
  if (known.length < 2) return h("p", { class: "conf-line", text: t("Fewer than two closes are kept yet. Each close adds one.") });
  const xlab = [[0, stamp(known[0][0]), "start"], [1, stamp(known[known.length - 1][0]), "end"]];
  const digits = Math.max(...known.map(([, v]) => Math.abs(v))) < 1 ? 4 : 2;
  return h(
    "div",
    { class: "split" },
    h("div", {}, h("h3", {}, t("{title}: reading", { title })), fit((w) => lines(w, H, known.map(([, v]) => v), { label: t("{title} at the last {n} closes", { title, n: known.length }), yfmt: (v) => fixed(v, digits), xlab }))),
    h("div", {}, h("h3", {}, t("Effect, log-odds of the better side")), fit((w) => columns(w, H, known.map(([, , v]) => v), { label: t("Effect of {title} at the last {n} closes", { title, n: known.length }), yfmt: (v) => fixed(v, 2), xlab }))),
  );
}
/** Show or hide the history below a factor's row. */
export async function toggleHistory(row, factor, timeframe) {
  const button = row.querySelector("button");
  const open = row.nextElementSibling && row.nextElementSibling.dataset.history !== undefined;
  button.setAttribute("aria-expanded", String(!open));
  if (open) return row.nextElementSibling.remove();
  const cell = h("td", { colspan: 6 }, skeleton(90, 60));
  row.after(h("tr", { "data-history": factor.name }, cell));
  try {
    const found = await getJson(asOf(`markets/${desk.symbol}/factors/${factor.name}/history?timeframe=${timeframe}`));
    cell.replaceChildren(drawn(found, factor.title));
  } catch (error) {
    cell.replaceChildren(h("p", { class: "conf-line", text: error instanceof ApiError ? error.message : String(error) }));
  }
}
