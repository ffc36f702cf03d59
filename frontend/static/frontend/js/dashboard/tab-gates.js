// "Why no trade", for any market and any minute: the gates as they were judged last before it.
import { $, h, sideWord } from "../dom.js";
import { hms, moment, parse, percent, range } from "../format.js";
import { pieces, t } from "../text.js";
import { desk, lookBack, marketNow, tell } from "./desk.js";
import { row, turnedDown } from "./gates.js";

const local = (ms) => new Date(ms).toISOString().slice(0, 16);

/** Ask about the gates of a minute; the chart's click comes here too. */
export function askGates(ms) {
  const latest = Math.floor(marketNow() / 60_000) * 60_000;
  desk.gatesAt = ms >= latest ? "" : `${local(ms)}Z`;
  tell("gates-at");
}
function picker(found) {
  const shown = desk.gatesAt || desk.at;
  const field = h("input", { class: "input past-field num", type: "datetime-local", "aria-label": t("Minute, UTC"), value: local(shown ? Date.parse(shown) : marketNow()), max: local(marketNow()) });
  field.addEventListener("change", () => field.value && askGates(Date.parse(`${field.value}Z`)));
  return h(
    "p",
    { class: "row pane-note" },
    field,
    shown && !desk.at && h("button", { class: "btn btn-quiet", type: "button", onclick: () => askGates(Infinity), text: t("Now") }),
    shown && !desk.at && h("button", { class: "btn btn-quiet", type: "button", "data-look-back": "", onclick: () => lookBack(shown), text: t("The whole dashboard at this minute") }),
    h("span", { class: "conf-line", text: t("Judged at {time}. A click on the chart asks about that candle.", { time: shown ? moment(parse(found.at)) : `${hms(parse(found.at))} UTC` }) }),
  );
}
export function gatesTab(found) {
  const passed = found.gates.filter((gate) => gate.passed).length;
  return [
    picker(found),
    h(
      "p",
      { class: "pane-note conf-line num" },
      pieces(t("{symbol}, {timeframe}: {passed} of {all} gates passed. Better side {side}, chance of a win {chance} ({interval}), break-even {even}."), {
        symbol: found.symbol,
        timeframe: found.timeframe,
        passed: h("b", { text: String(passed) }),
        all: String(found.gates.length),
        side: h("b", { text: sideWord(found.side) }),
        chance: h("b", { text: percent(found.probability) }),
        interval: range(found.interval),
        even: percent(found.break_even),
      }),
    ),
    h("div", { class: "gates gates-wide", "data-gates-tab": "" }, found.gates.map(row)),
    turnedDown(found),
  ].filter(Boolean);
}
/** A click on the chart, while this tab is open, asks why nothing was issued there. */
export function startAsking(chart, timeOf) {
  chart.subscribeClick((event) => {
    if (desk.tab !== "gates" || !event.point || event.logical === undefined) return;
    askGates(timeOf(event.logical) * 1000);
    $("[data-dock]").focus({ preventScroll: true });
  });
}
