// The tabs below the chart. The open one is read on opening and every two seconds while it is in sight.
import { ApiError, reader, wasReplaced } from "../api.js";
import { $, $$, h, note, skeleton } from "../dom.js";
import { t } from "../text.js";
import { asOf, desk, hasMarkets, hasScores, isPhone, judged, listen, setTab, warmingText } from "./desk.js";
import { factorsTab } from "./tab-factors.js";

/** The first tab comes with the page; the module of another with the first look at it. */
const TABS = {
  factors: { draw: factorsTab, path: () => `factors?timeframe=${judged()}`, every: 2000 },
  book: { draw: async (found) => (await import("./tab-book.js")).bookTab(found), path: () => "book", every: 2000 },
  funding: { draw: async (found) => (await import("./tab-funding.js")).fundingTab(found), path: () => "funding", every: 2000 },
  analogs: { draw: async (found) => (await import("./tab-analogs.js")).analogsTab(found), path: () => `analogs?timeframe=${desk.timeframe}`, every: 300_000 },
  gates: { draw: async (found) => (await import("./tab-gates.js")).gatesTab(found), path: () => `gates?timeframe=${judgedFrame()}${desk.gatesAt && !desk.at ? `&at=${desk.gatesAt}` : ""}`, every: 2000 },
  corr: { draw: async (found) => (await import("./tab-correlation.js")).correlationTab(found), path: () => "correlation", every: 3_600_000 },
};
/** A past minute stands still; so does one whose tab asks about it. */
const isStill = () => desk.at || (desk.tab === "gates" && desk.gatesAt);
const judgedFrame = () => (DECIDED.has(desk.timeframe) ? desk.timeframe : "1h");
const BY_FRAME = { factors: 1, gates: 1, analogs: 1 }; // tabs that depend on the timeframe
const DECIDED = new Set(["15m", "1h", "4h"]);
const panel = $("[data-dock]");
const read = reader();
let shownFor = "";
let readAt = 0;
let asked = "";

async function load() {
  const tab = TABS[desk.tab];
  const path = asOf(`markets/${encodeURIComponent(desk.symbol)}/${tab.path()}`);
  if (shownFor !== path) {
    panel.replaceChildren(skeleton(90, 75, 95, 80, 85, 70));
    panel.setAttribute("aria-busy", "true");
  }
  asked = path;
  readAt = performance.now();
  if (!(desk.tab === "factors" || desk.tab === "gates" ? hasScores() : hasMarkets())) return waiting();
  try {
    const found = await read(path);
    const drawn = [await tab.draw(found)].flat();
    if (asked !== path) return; // another tab was opened meanwhile
    const top = shownFor === path ? panel.scrollTop : 0;
    panel.replaceChildren(...drawn);
    panel.scrollTop = top;
    shownFor = path;
    panel.removeAttribute("aria-busy");
  } catch (error) {
    if (wasReplaced(error)) return;
    panel.removeAttribute("aria-busy");
    if (error instanceof ApiError && error.code === "engine_silent") {
      if (shownFor !== path) waiting();
    } else if (error instanceof ApiError && (error.code === "not_judged" || error.code === "not_kept")) {
      if (shownFor !== path) waiting(error.message);
    } else if (shownFor === path) {
      if (!panel.querySelector("[data-note]"))
        panel.prepend(note("warn", t("Not refreshed"), t("{why} What is shown is the last that came.", { why: error.message }), load));
    } else panel.replaceChildren(note("bad", t("This could not be read"), error.message, load));
  }
}
function waiting(why = "") {
  const told = warmingText();
  const words = why
    ? why
    : told
    ? t("Still warming up: {what}. This fills by itself.", { what: told })
    : t("The engine has no answer for this market yet. It is asked again every two seconds.");
  panel.removeAttribute("aria-busy");
  panel.replaceChildren(h("p", { class: "pane-note conf-line", "data-warming": "", text: words }));
  shownFor = "";
}
function inSight() {
  return !document.hidden && !isStill() && !desk.isStale && (!isPhone.matches || document.body.dataset.view === "chart");
}
function mark() {
  for (const b of $$("[data-tab]")) {
    const on = b.dataset.tab === desk.tab;
    b.setAttribute("aria-selected", String(on));
    b.tabIndex = on ? 0 : -1;
    if (on) panel.setAttribute("aria-labelledby", b.id);
  }
}
function open(name, focus = false) {
  setTab(name);
  mark();
  if (focus) $(`[data-tab="${name}"]`).focus();
  load();
}
export function startDock() {
  if (!(desk.tab in TABS)) desk.tab = "factors";
  const buttons = $$("[data-tab]");
  buttons.forEach((b, i) => {
    b.addEventListener("click", () => open(b.dataset.tab));
    b.addEventListener("keydown", (e) => {
      const to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: buttons.length - 1 }[e.key];
      if (to === undefined) return;
      e.preventDefault();
      open(buttons[(to + buttons.length) % buttons.length].dataset.tab, true);
    });
  });
  listen(["symbol", "ready", "at", "gates-at"], load);
  listen(
    ["chosen", "timeframe"],
    () =>
      desk.tab in BY_FRAME &&
      shownFor !== asOf(`markets/${encodeURIComponent(desk.symbol)}/${TABS[desk.tab].path()}`) &&
      load(),
  );
  listen("second", () => {
    const tab = TABS[desk.tab];
    const every = shownFor ? tab.every : 2000;
    if (inSight() && performance.now() - readAt >= every - 100 && !panel.querySelector("[data-history]") && !panel.contains(getSelectionNode())) load();
  });
  mark();
  load();
}
/** Text that is being selected in the panel is not pulled away. */
function getSelectionNode() {
  const selection = getSelection();
  return selection && !selection.isCollapsed ? selection.anchorNode : null;
}
