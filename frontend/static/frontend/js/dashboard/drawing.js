// Drawing on the chart: tools, pointer, keyboard, undo. What is drawn is kept by symbol, at once.
import { drawLayer, kindWord, timeOf, words } from "../drawings.js";
import { $, $$, put } from "../dom.js";
import { price } from "../format.js";
import { t } from "../text.js";
import { desk, listen } from "./desk.js";
import { startPointer } from "./drawing-pointer.js";
import { readDrawings, saveDrawings } from "./keep.js";

const MOST_UNDO = 50;
const MOST = 100;
const box = $(".chart-box");
const strip = $("[data-draw]");
const surface = $("[data-draw-surface]");
let chart;
let layer;
let tool = "";
let from = null; // first point of what is being drawn
let undone = [];
let touched = new Set();
let shownFor = "";

const view = () => chart.view;
const say = (text) => put($("[data-announce]"), text);
const fresh = () => `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
const tick = (value) => Number(value.toFixed(view().decimals));
const picked = () => view().drawings.find((item) => item.id === view().picked);

function refresh() {
  layer.refresh();
  const has = view().drawings.length;
  $("[data-draw-next]").setAttribute("aria-disabled", String(!has));
  $("[data-draw-delete]").setAttribute("aria-disabled", String(!picked()));
  $("[data-draw-undo]").setAttribute("aria-disabled", String(!undone.length));
  strip.dataset.n = String(has);
}
/** Where a pixel lies: [seconds, price]. */
function pointAt(x, y) {
  const logical = layer.chart.timeScale().coordinateToLogical(x);
  const value = layer.series.coordinateToPrice(y);
  if (logical === null || value === null || value <= 0 || !view().candles.length) return null;
  return [timeOf(view(), Math.round(logical)), tick(value)];
}

// --- what is kept -------------------------------------------------------------------------------
async function load() {
  const symbol = desk.symbol;
  shownFor = symbol;
  [undone, touched] = [[], new Set()];
  Object.assign(view(), { drawings: [], draft: null, picked: null });
  stop();
  try {
    const found = await readDrawings(symbol);
    if (symbol === shownFor) view().drawings = found;
  } catch (error) {
    if (symbol === shownFor) say(t("Your drawings could not be read: {why}", { why: error.message }));
  }
  refresh();
}
async function keep(ids) {
  const symbol = shownFor;
  for (const id of ids) touched.add(id);
  refresh();
  const mine = new Set(touched);
  try {
    const saved = await saveDrawings(symbol, view().drawings, mine);
    if (symbol !== shownFor) return;
    for (const id of mine) touched.delete(id);
    if (saved.length !== view().drawings.length && !touched.size) view().drawings = saved;
    refresh();
  } catch (error) {
    put($("[data-alert]"), t("The drawing is not saved: {why}", { why: error.message }));
  }
}
/** Change the list, so that it can be taken back. */
function change(items, ids) {
  undone.push(view().drawings);
  if (undone.length > MOST_UNDO) undone.shift();
  view().drawings = items;
  keep(ids);
}
export function undo() {
  if (!undone.length) return;
  const was = undone.pop();
  const ids = new Set([...was, ...view().drawings].map((item) => item.id));
  view().drawings = was;
  if (!picked()) view().picked = null;
  say(t("Undone. {count} drawings.", { count: was.length }));
  keep(ids);
}
export function removePicked() {
  const item = picked();
  if (!item) return;
  view().picked = null;
  change(view().drawings.filter((other) => other !== item), [item.id]);
  say(t("{kind} deleted", { kind: kindWord(item.kind) }));
  stop();
}
function add(points) {
  const [[t0, p0], [t1, p1]] = points;
  if (t0 === t1 && p0 === p1) return;
  if (view().drawings.length >= MOST) return say(t("At most {count} drawings a chart. Delete one first.", { count: MOST }));
  const item = { id: fresh(), kind: tool, points };
  view().picked = item.id;
  change([...view().drawings, item], [item.id]);
  say(words(view(), item));
}

// --- tools --------------------------------------------------------------------------------------
function mark() {
  for (const b of $$("[data-tool]", strip)) b.setAttribute("aria-pressed", String(b.dataset.tool === tool));
  surface.hidden = !tool && !view().point;
}
export function choose(name, byKey = false) {
  const same = tool === name;
  stop();
  if (same || !view().candles.length) return;
  tool = name;
  view().picked = null;
  mark();
  surface.setAttribute("aria-label", t("{kind}: arrows move the point, Enter sets it, Escape ends", { kind: kindWord(name) }));
  if (byKey) {
    const last = view().last();
    view().point = [last.time, last.close];
    tell();
  }
  surface.focus({ preventScroll: true });
  refresh();
}
export function stop() {
  [tool, from] = ["", null];
  Object.assign(view(), { draft: null, point: null });
  mark();
  refresh();
}
function tell() {
  const [at, value] = view().point;
  say(`${new Date(at * 1000).toISOString().slice(5, 16).replace("T", " ")} UTC, ${price(value, view().decimals)}`);
}
function place(point) {
  if (!from) {
    from = point;
    view().draft = { id: "", kind: tool, points: [point, point] };
    return refresh();
  }
  const points = [from, point];
  const kind = tool;
  stop();
  tool = kind;
  add(points);
  tool = "";
  mark();
}
function preview(point) {
  if (!from || !point) return;
  view().draft = { id: "", kind: tool, points: [from, point] };
  layer.refresh();
}
/** Move by the keyboard: the point of a tool, or what is picked. */
function step(e) {
  const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[e.key];
  if (!move) return false;
  const times = e.shiftKey ? 10 : 1;
  const height = surface.clientHeight || 300;
  const [top, bottom] = [layer.series.coordinateToPrice(0), layer.series.coordinateToPrice(height)];
  const by = ((top - bottom) / 100) * times;
  const moved = ([at, value]) => [at + move[0] * view().seconds * times, Math.max(tick(value + move[1] * by), 10 ** -view().decimals)];
  if (view().point) {
    view().point = moved(view().point);
    preview(view().point);
    layer.refresh();
    tell();
  } else if (picked()) {
    const item = picked();
    const now = { ...item, points: item.points.map(moved) };
    change(view().drawings.map((other) => (other === item ? now : other)), [item.id]);
    say(words(view(), now));
  } else return false;
  return true;
}
function onKey(e) {
  if (e.key === "Escape") {
    view().picked = null;
    stop();
    $("[data-tool]", strip).focus();
  } else if (e.key === "Enter" && view().point) place(view().point);
  else if (e.key === "Delete" || e.key === "Backspace") removePicked();
  else if (!step(e)) return;
  e.preventDefault();
  e.stopPropagation();
}
/** Pick the next drawing, for who cannot point at it. */
function next() {
  const items = view().drawings;
  if (!items.length) return;
  const i = items.findIndex((item) => item.id === view().picked);
  const item = items[(i + 1) % items.length];
  stop();
  view().picked = item.id;
  surface.hidden = false;
  surface.setAttribute("aria-label", t("Arrows move it, Delete deletes it, Escape ends"));
  surface.focus({ preventScroll: true });
  say(words(view(), item));
  refresh();
}

export function startDrawing(made) {
  chart = made;
  layer = drawLayer(chart.view);
  chart.attach("draw", layer);
  for (const b of $$("[data-tool]", strip)) b.addEventListener("click", (e) => choose(b.dataset.tool, e.detail === 0));
  $("[data-draw-undo]").addEventListener("click", undo);
  $("[data-draw-delete]").addEventListener("click", removePicked);
  $("[data-draw-next]").addEventListener("click", next);
  strip.addEventListener("keydown", (e) => {
    const buttons = $$("button", strip);
    const i = buttons.indexOf(document.activeElement);
    const to = { ArrowDown: i + 1, ArrowUp: i - 1, Home: 0, End: buttons.length - 1 }[e.key];
    if (to === undefined) return;
    e.preventDefault();
    buttons[(to + buttons.length) % buttons.length].focus();
  });
  addEventListener("keydown", (e) => {
    if (e.target.closest && e.target.closest("input, textarea, select, dialog")) return;
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "z" && !e.shiftKey) (undo(), e.preventDefault());
    else if (e.key === "Delete" && view().picked && document.activeElement !== surface) removePicked();
  });
  surface.addEventListener("keydown", onKey);
  startPointer({ layer, view: chart.view, surface, tool: () => tool, isBegun: () => from !== null, pointAt, tick, place, preview, stop, refresh, change });
  listen("symbol", load);
  const show = $("[data-draw-show]");
  show.addEventListener("click", () => {
    const on = box.classList.toggle("shows-draw");
    show.setAttribute("aria-pressed", String(on));
  });
  load();
}
