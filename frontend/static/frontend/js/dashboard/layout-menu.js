// Arranging: bars that resize, panels that move by pointer or arrows, layouts saved under a name and shared.
import { getJson } from "../api.js";
import { $, $$, h, icon, put } from "../dom.js";
import { t } from "../text.js";
import { SECONDS, desk, setTab, setTimeframe, tell } from "./desk.js";
import { readWorkspace, send } from "./keep.js";
import { PANELS, layout, onLayout, takeLayout } from "./layout.js";
import { startBars } from "./layout-bars.js";
import { BESIDE, showPanel, swap } from "./layout-change.js";
import { isSignedIn } from "./local.js";
import { setCharts } from "./multi.js";
import { sheet } from "./sheet.js";

const SAVE_MS = 800;
const words = () => ({
  markets: t("Markets"),
  chart: t("Chart"),
  dock: t("Analysis"),
  signal: t("Signal"),
  feed: t("Signals"),
});
const say = (text) => put($("[data-announce]"), text);
let saved = []; // layouts of this person
let current = null;
let timer = 0;

// --- moving -------------------------------------------------------------------------------------
function cover(panel) {
  const name = words()[panel];
  const grip = h(
    "button",
    { class: "btn", type: "button", "data-move": panel, "aria-label": t("Move {panel}: arrow keys change its place", { panel: name }) },
    icon("move"),
    name,
  );
  grip.addEventListener("keydown", (e) => {
    const to = BESIDE[layout.slots[panel]][e.key];
    if (!to) return;
    e.preventDefault();
    swap(panel, to);
    grip.focus();
    say(t("{panel} moved", { panel: name }));
  });
  const hide = panel !== "chart" && h("button", { class: "btn", type: "button", "data-hide": panel, onclick: () => showPanel(panel, false) }, icon("eye-off"), t("Hide"));
  const el = h("div", { class: "pane-cover", "data-cover": panel }, grip, hide);
  el.addEventListener("pointerdown", (e) => {
    if (e.target.closest("[data-hide]")) return;
    el.setPointerCapture(e.pointerId);
    el.classList.add("is-held");
    const under = (m) => document.elementsFromPoint(m.clientX, m.clientY).map((x) => x.closest(".pane")).find((x) => x && !x.contains(el));
    const move = (m) => {
      const over = under(m);
      for (const pane of $$(".pane")) pane.classList.toggle("is-over", pane === over);
    };
    el.addEventListener("pointermove", move);
    el.addEventListener(
      "pointerup",
      (m) => {
        el.removeEventListener("pointermove", move);
        el.classList.remove("is-held");
        const over = under(m);
        for (const pane of $$(".pane")) pane.classList.remove("is-over");
        if (over) swap(panel, over.dataset.slot);
      },
      { once: true },
    );
  });
  return el;
}
export function arrange(on) {
  for (const el of $$("[data-cover]")) el.remove();
  document.body.classList.toggle("is-arranging", on);
  $("[data-arrange-done]").hidden = !on;
  if (!on) return;
  for (const panel of PANELS) $(`.pane-${panel}`).append(cover(panel));
  $('[data-move="chart"]').focus();
  say(t("Panels can be moved. Escape ends."));
}

// --- saving -------------------------------------------------------------------------------------
/** All that a layout keeps. */
function body() {
  const layers = $$("[data-layer]").filter((b) => b.getAttribute("aria-pressed") === "true");
  return {
    slots: layout.slots,
    sizes: layout.sizes,
    hidden: layout.hidden,
    layers: layers.map((b) => b.dataset.layer),
    charts: desk.charts || [],
    symbol: desk.symbol,
    timeframe: desk.timeframe,
    tab: desk.tab,
  };
}
function show(found) {
  takeLayout(found);
  if (found.timeframe in SECONDS) setTimeframe(found.timeframe);
  const tab = found.tab && $(`[data-tab="${found.tab}"]`);
  if (tab && found.tab !== desk.tab) (setTab(found.tab), tab.click());
  if (found.layers)
    for (const b of $$("[data-layer]")) {
      if ((b.getAttribute("aria-pressed") === "true") !== found.layers.includes(b.dataset.layer)) b.click();
    }
  desk.charts = found.charts || [];
  tell("charts");
}
/** A change to the current layout is saved by itself, for the next device. */
export function layoutChanged() {
  clearTimeout(timer);
  if (!current || !isSignedIn()) return;
  timer = setTimeout(async () => {
    try {
      take(await send("PATCH", `/layouts/${current.id}`, { body: body() }));
    } catch (error) {
      put($("[data-alert]"), t("The layout is not saved: {why}", { why: error.message }));
    }
  }, SAVE_MS);
}
function take(row) {
  saved = [...saved.filter((other) => other.id !== row.id), row].sort((a, b) => a.name.localeCompare(b.name));
  if (row.is_current) current = row;
  document.body.dataset.layout = current ? current.name : "";
}
const linkOf = (row) => `${location.origin}/ai-trading/dashboard?layout=${row.share_token}`;

function rowOf(row, again) {
  const isNow = current && current.id === row.id;
  const out = h("input", { class: "input", readonly: true, value: row.share_token ? linkOf(row) : "", "aria-label": t("Link to {name}", row), hidden: !row.share_token });
  const change = async (what) => {
    take(await send("PATCH", `/layouts/${row.id}`, what));
    again();
  };
  return h(
    "li",
    { class: "sheet-row" },
    h("button", {
      class: "linkish grow l",
      type: "button",
      "aria-current": isNow ? "true" : null,
      text: isNow ? t("{name}, shown", row) : row.name,
      onclick: async () => {
        await change({ is_current: true });
        show(row.body);
      },
    }),
    h("button", { class: "btn btn-quiet", type: "button", onclick: () => change({ is_shared: !row.share_token }) }, icon("link"), row.share_token ? t("Take the link back") : t("Share")),
    h(
      "button",
      {
        class: "btn-icon",
        type: "button",
        "aria-label": t("Delete {name}", row),
        onclick: async () => {
          await send("DELETE", `/layouts/${row.id}`);
          saved = saved.filter((other) => other.id !== row.id);
          if (isNow) current = null;
          again();
        },
      },
      icon("trash"),
    ),
    out,
  );
}
function saveAs(again) {
  const name = h("input", { class: "input grow", maxlength: 40, required: true, "aria-label": t("Name of the layout"), placeholder: t("Name") });
  const wrong = h("p", { class: "err", role: "alert" });
  const form = h("form", { class: "row", "data-save-layout": "" }, name, h("button", { class: "btn btn-primary" }, t("Save as new")));
  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    try {
      take(await send("POST", "/layouts", { name: name.value, body: body() }));
      again();
    } catch (error) {
      put(wrong, error.message);
    }
  });
  return [form, wrong];
}
export function openLayouts() {
  const hidden = layout.hidden.map((panel) =>
    h("button", { class: "btn", type: "button", onclick: () => (showPanel(panel, true), openLayouts()) }, icon("eye"), t("Show {panel}", { panel: words()[panel] })),
  );
  const close = sheet(t("Layout"), [
    h(
      "p",
      { class: "row" },
      h("button", { class: "btn", type: "button", "data-arrange": "", onclick: () => (close(), arrange(true)) }, icon("move"), t("Move panels")),
      h("button", { class: "btn", type: "button", onclick: () => (takeLayout(), close()) }, icon("refresh-cw"), t("As usual")),
      h("span", { class: "seg", role: "group", "aria-label": t("Charts") }, [1, 2, 4].map((n) => h("button", { type: "button", "data-charts-n": n, "aria-pressed": String(desk.charts.length + 1 === n), "aria-label": t("{n} charts", { n }), text: String(n), onclick: () => (setCharts(n), close()) }))),
      hidden,
    ),
    ...(isSignedIn()
      ? [h("h3", {}, t("Saved layouts")), h("ul", { class: "sheet-list", "data-layouts": "" }, saved.map((row) => rowOf(row, openLayouts))), ...saveAs(openLayouts)]
      : [h("p", { class: "conf-line", text: t("Your arrangement is kept in this browser. Sign in to save layouts under a name, find them on every device and share them.") })]),
  ]);
}
export async function startLayouts() {
  startBars();
  onLayout(layoutChanged);
  $("[data-arrange-done]").addEventListener("click", () => arrange(false));
  addEventListener("keydown", (e) => e.key === "Escape" && document.body.classList.contains("is-arranging") && arrange(false));
  const token = new URLSearchParams(location.search).get("layout");
  try {
    if (token) {
      const found = await getJson(`workspace/shared-layouts/${encodeURIComponent(token)}`);
      show(found.body);
      say(t("Shared layout “{name}”. Save it to keep it.", found));
    }
    if (!isSignedIn()) return;
    const { layouts } = await readWorkspace();
    layouts.forEach(take);
    if (!token && current) show(current.body);
  } catch (error) {
    say(t("Layouts could not be read: {why}", { why: error.message }));
  }
}
