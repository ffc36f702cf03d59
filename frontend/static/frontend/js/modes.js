// What a venue and a state of a trade are called, and how the badge of a mode looks.
import { h } from "./dom.js";
import { t } from "./text.js";

const MODES = {
  paper: [t("Paper"), "paper"],
  simulated: [t("Simulated"), "sim"],
  demo: [t("Binance demo"), "plain"],
  binance: [t("Live"), "live"],
};
const STATES = {
  chosen: t("chosen"),
  offered: t("waits for your yes"),
  entering: t("entering"),
  open: t("open"),
  closing: t("closing at market"),
  closed: t("closed"),
  not_entered: t("not entered"),
  skipped: t("skipped"),
  parked: t("held for a person to look at"),
};

/** The mode badge of a venue. */
export function modeBadge(venue) {
  const [word, kind] = MODES[venue] || [venue, "plain"];
  return h("span", { class: `tag tag-${kind}`, "data-mode": venue, text: word });
}
/** Where a trade stands, in words. */
export const stateWord = (state) => STATES[state] || state;
