// The chart as a table: the newest candles, and the levels of the estimated map, for who reads rather than looks.
import { $, h, sideWord } from "../dom.js";
import { change, fixed, moment, price, usd } from "../format.js";
import { t } from "../text.js";

const SHOWN = 100;
const box = () => $("[data-chart-table]");

function candles(view, decimals) {
  const px = (x) => fixed(x, decimals);
  const row = (c) => {
    const at = h("th", { scope: "row", text: moment(c.time * 1000) });
    if (c.close === undefined) return h("tr", {}, at, h("td", { colspan: 6, text: t("No data received") }));
    const cells = [c.open, c.high, c.low, c.close].map((x) => h("td", { class: "r", text: px(x) }));
    return h(
      "tr",
      {},
      at,
      cells,
      h("td", { class: "r", text: change(c.close / c.open - 1) }),
      h("td", { class: "r", text: fixed(c.volume, 2) }),
    );
  };
  const heads = [t("Open time"), t("Open"), t("High"), t("Low"), t("Close"), t("Change"), t("Volume")];
  return h(
    "table",
    { class: "dt num" },
    h("caption", { class: "vh", text: t("Newest candles") }),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        heads.map((words, i) => h("th", { scope: "col", class: i ? "r" : "", text: words })),
      ),
    ),
    h("tbody", {}, view.candles.slice(-SHOWN).reverse().map(row)),
  );
}
function clusters(view, decimals) {
  if (!view.heat || !view.heat.clusters.length) return null;
  const words = view.heat.clusters.map((c) => {
    const near = { usd: usd(c.usd), price: price(c.price, decimals), distance: change(c.distance) };
    return c.side === "long"
      ? t("{usd} of longs near {price} ({distance})", near)
      : t("{usd} of shorts near {price} ({distance})", near);
  });
  return h("p", { class: "pane-note conf-line num", text: t("Estimated liquidation clusters: {list}.", { list: words.join("; ") }) });
}
/** What is drawn, and which signals were issued here. */
async function drawn(view) {
  const said = [];
  if (view.drawings && view.drawings.length) {
    const { words } = await import("../drawings.js");
    said.push(t("Your drawings: {list}.", { list: view.drawings.map((item) => words(view, item)).join("; ") }));
  }
  if (view.issued && view.issued.length) {
    const list = view.issued.map(({ signal }) => `${moment(Date.parse(signal.issued_at))} ${sideWord(signal.side)} ${signal.timeframe}`);
    said.push(t("Signals on this chart: {list}.", { list: list.join("; ") }));
  }
  return said.map((text) => h("p", { class: "pane-note conf-line num", text }));
}
/** Show or hide the table over the chart. */
export function toggleTable(button, view, decimals) {
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(on));
  box().hidden = !on;
  box().replaceChildren(...(on ? [clusters(view, decimals), candles(view, decimals)].filter(Boolean) : []));
  if (on) drawn(view).then((found) => box().hidden || box().prepend(...found));
}
