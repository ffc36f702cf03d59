// The keyboard, the phone's views and the drawer of markets.
import { $, $$ } from "../dom.js";
import { t } from "../text.js";
import { toggleLayer } from "./charting.js";
import { desk, goTo, listen, setTimeframe } from "./desk.js";
import { stepSignal } from "./feed.js";

const FRAMES = ["1m", "5m", "15m", "1h", "4h", "1d"];
const LAYERS = { h: "heat", p: "profile", s: "signal", l: "liq" };
const KEEP = "keys";

const isOn = () => {
  try {
    return localStorage.getItem(KEEP) !== "off";
  } catch {
    return true;
  }
};
function drawer(on) {
  $(".desk").classList.toggle("show-markets", on);
  $("[data-markets]").setAttribute("aria-expanded", String(on));
  if (on) $("#mk-q").focus();
}
function openSearch() {
  if (getComputedStyle($(".pane-markets")).display === "none") {
    if (matchMedia("(max-width: 860px)").matches) goTo("markets");
    else drawer(true);
  }
  $("#mk-q").focus();
}
function back() {
  if ($(".desk").classList.contains("show-markets")) {
    drawer(false);
    $("[data-markets]").focus();
  } else if (document.activeElement && document.activeElement.id === "mk-q") document.activeElement.blur();
}
function onKey(e) {
  if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return;
  if (e.key === "Escape") return back();
  if (e.target.closest("input, textarea, select, dialog") || !isOn()) return;
  const key = e.key.toLowerCase();
  const sheet = $("[data-keys]");
  if (key === "/") openSearch();
  else if (key === "?") sheet.showModal();
  else if (key in LAYERS) toggleLayer(LAYERS[key]);
  else if (FRAMES[Number(key) - 1]) setTimeframe(FRAMES[Number(key) - 1]);
  else if (moreKeys.has(key)) moreKeys.get(key)(e);
  else if (key === "[") stepSignal(-1);
  else if (key === "]") stepSignal(1);
  else return;
  e.preventDefault();
}
/** Keys of what is loaded later: key → act(event). */
export const moreKeys = new Map();
export function startKeys() {
  addEventListener("keydown", onKey);
  for (const b of $$("[data-goto]")) {
    b.addEventListener("click", (e) => {
      e.preventDefault();
      goTo(b.dataset.goto);
    });
  }
  $("[data-markets]").addEventListener("click", () => drawer(!$(".desk").classList.contains("show-markets")));
  for (const b of $$("[data-open-keys]")) b.addEventListener("click", () => $("[data-keys]").showModal());
  const toggle = $("[data-keys-on]");
  toggle.checked = isOn();
  toggle.addEventListener("change", () => {
    try {
      localStorage.setItem(KEEP, toggle.checked ? "on" : "off");
    } catch {
      // Private mode: the setting lasts until the page is left.
    }
  });
  const name = () => $("[role=tablist]").setAttribute("aria-label", t("Analysis of {symbol}", desk));
  listen("symbol", name);
  name();
}
