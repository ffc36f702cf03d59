// How the dashboard is arranged: which panel stands in which of five places, how large they are, what is hidden.
// Applies from what this browser keeps before anything is drawn; who changes it is `layout-menu.js`.
import { $, $$ } from "../dom.js";
import { listen } from "./desk.js";
import { held, hold } from "./local.js";

export const PANELS = ["markets", "chart", "dock", "signal", "feed"];
const USUAL = { markets: "left", chart: "top", dock: "bottom", signal: "side", feed: "foot" };
const isWide = matchMedia("(min-width: 1280px)");
const desk = $(".desk");

export const layout = { slots: { ...USUAL }, sizes: {}, hidden: [] };
const changed = new Set();
/** Be told of every change that somebody makes here. */
export const onLayout = (take) => changed.add(take);

export const isUsual = () =>
  PANELS.every((panel) => layout.slots[panel] === USUAL[panel]) && !layout.hidden.length && !Object.keys(layout.sizes).length;
export const panelIn = (slot) => PANELS.find((panel) => layout.slots[panel] === slot);
const isShut = (slot) => layout.hidden.includes(panelIn(slot));
export const sizeOf = (name) =>
  layout.sizes[name] || { left: isXl() ? 356 : 316, right: isXl() ? 408 : 364, dock: isXl() ? 304 : 232, foot: isXl() ? 256 : 196 }[name];
const isXl = () => innerWidth >= 1680;
/** Rows and areas of the grid; middle and right column are cut at heights of their own. */
function areas() {
  const pair = (upper, lower, size) =>
    isShut(upper) ? [lower, lower, 0] : isShut(lower) ? [upper, upper, 0] : [upper, lower, sizeOf(size)];
  const [top, bottom, dock] = pair("top", "bottom", "dock");
  const [side, foot, below] = pair("side", "foot", "foot");
  const cuts = [...new Set([dock, below].filter(Boolean))].sort((x, y) => y - x);
  const heights = cuts.map((cut, i) => `${cut - (cuts[i + 1] || 0)}px`);
  const row = (height) => `"left ${height <= dock ? bottom : top} ${height <= below ? foot : side}"`;
  return { rows: ["minmax(0, 1fr)", ...heights].join(" "), areas: [Infinity, ...cuts].map(row).join(" ") };
}
/** Lay the panels out. Below 1280 px there is one arrangement for everybody. */
export function apply() {
  const custom = isWide.matches && !isUsual();
  for (const panel of PANELS) {
    const el = $(`.pane-${panel}`);
    el.dataset.slot = (custom ? layout.slots : USUAL)[panel];
    el.classList.toggle("is-shut", custom && layout.hidden.includes(panel));
  }
  const { rows, areas: named } = areas();
  const noLeft = isShut("left");
  const noRight = isShut("side") && isShut("foot");
  const columns = `${noLeft ? 0 : sizeOf("left")}px minmax(0, 1fr) ${noRight ? 0 : sizeOf("right")}px`;
  desk.style.gridTemplateRows = custom ? rows : "";
  desk.style.gridTemplateAreas = custom ? named : "";
  desk.style.gridTemplateColumns = custom ? columns : "";
  placeBars();
  dispatchEvent(new Event("resize")); // lists of rows in sight and drawings at width look again
}
/** The bars between panels by which they are resized. */
export function placeBars() {
  for (const bar of $$("[data-bar]", desk)) {
    const name = bar.dataset.bar;
    const shut = { left: isShut("left"), right: isShut("side") && isShut("foot"), dock: isShut("top") || isShut("bottom"), foot: isShut("side") || isShut("foot") };
    bar.hidden = !isWide.matches || shut[name];
    bar.setAttribute("aria-valuenow", String(sizeOf(name)));
    if (name === "left" || name === "right") bar.style[name] = `${sizeOf(name) - 3}px`;
    else {
      bar.style.bottom = `${sizeOf(name) - 3}px`;
      bar.style.left = name === "dock" ? `${isShut("left") ? 0 : sizeOf("left")}px` : "auto";
      bar.style.right = name === "dock" ? `${shut.right ? 0 : sizeOf("right")}px` : "0";
      bar.style.width = name === "foot" ? `${sizeOf("right")}px` : "auto";
    }
  }
}
export function tellChanged() {
  hold("layout", isUsual() ? null : { slots: layout.slots, sizes: layout.sizes, hidden: layout.hidden });
  for (const take of changed) take();
}
/** Take a whole arrangement, or the usual one. */
export function takeLayout(body = {}, isTold = true) {
  layout.slots = { ...USUAL, ...body.slots };
  layout.sizes = { ...body.sizes };
  layout.hidden = [...(body.hidden || [])];
  apply();
  if (isTold) tellChanged();
}
export function startLayout() {
  const kept = held("layout", null);
  try {
    if (kept) takeLayout(kept, false);
  } catch {
    hold("layout", null); // written by another version: the usual arrangement stands
  }
  isWide.addEventListener("change", apply);
  listen("view", () => placeBars());
}
