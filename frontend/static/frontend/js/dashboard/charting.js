// The chart pane: reads candles and map of the open symbol, then follows them.
import { ApiError, reader, wasReplaced } from "../api.js";
import { priceChart } from "../chart.js";
import { $, $$, h, note, put } from "../dom.js";
import { change, fixed, price, usd } from "../format.js";
import { HeatMap, paintRamp } from "../heat.js";
import { paint } from "../paint.js";
import { pieces, t } from "../text.js";
import { SECONDS, asOf, current, desk, hasMarkets, isPhone, listen, market, now, planOf, setTimeframe } from "./desk.js";

const CANDLES = 500;
const AGAIN_MS = 2000;
const HEAT_AGAIN_MS = 5000;
const RENEW_MS = 60_000;
const HEAT_TIMEFRAME = { "1m": "5m", "1d": "4h" };

let chart;
let live;
let drop = []; // subscriptions of the open chart
let retry = 0;
let heatRetry = 0;
let shownAt = 0;
let shownFor = "";
const readCandles = reader();
const readHeat = reader();

function decimals() {
  const known = market() || current();
  if (known) return known.decimals;
  const last = chart.view.last();
  return last ? Math.max(0, Math.min(8, 5 - Math.floor(Math.log10(last.close) + 1))) : 2;
}
const toCandle = ([time, open, high, low, close, volume]) => ({ time, open, high, low, close, volume });
/** Candles in order, with an empty place for each one that is missing. */
function withGaps({ candles, gaps }) {
  const all = [...candles.map(toCandle), ...gaps.map((time) => ({ time }))];
  return all.sort((a, b) => a.time - b.time).filter((c, i, list) => !i || list[i - 1].time !== c.time);
}
const path = (what, timeframe, more = "") =>
  `markets/${encodeURIComponent(desk.symbol)}/${what}?timeframe=${timeframe}${more}`;
const heatTimeframe = () => HEAT_TIMEFRAME[desk.timeframe] || desk.timeframe;

function fail(words) {
  const box = $("[data-chart-error]");
  box.replaceChildren(...(words ? [note("bad", t("The chart could not be read"), words, load)] : []));
  box.hidden = !words;
}
function busy(on) {
  $("[data-chart-skeleton]").hidden = !on;
  $("[data-ohlc]").hidden = on;
}
async function load() {
  clearTimeout(retry);
  follow();
  fail("");
  if (!chart.view.candles.length) busy(true);
  const timeframe = desk.timeframe;
  try {
    const found = await readCandles(asOf(path("candles", timeframe, `&limit=${CANDLES}`)));
    const candles = withGaps(found);
    const key = `${desk.symbol} ${timeframe}`;
    if (key === shownFor && desk.at) chart.renew({ candles, liquidations: found.liquidations }); // one scrubs
    else chart.set({ candles, seconds: SECONDS[timeframe], decimals: decimals(), liquidations: found.liquidations });
    [shownAt, shownFor] = [performance.now(), key];
    chart.plan(current() ? planOf(current()) : null);
    busy(false);
    const last = chart.view.last();
    if (last) legend(last);
    loadHeat();
    words();
  } catch (error) {
    if (wasReplaced(error)) return;
    if (desk.at) {
      shownFor = "";
      chart.set({ candles: [], seconds: SECONDS[timeframe], decimals: 2, liquidations: [] });
    }
    const isReady = desk.status && desk.status.ready;
    const warming = error instanceof ApiError && error.code === "engine_silent" && !isReady; // the ribbon says so
    busy(warming && !chart.view.candles.length);
    if (!warming) fail(error.message);
    if (desk.at) return;
    retry = setTimeout(load, warming ? AGAIN_MS : 10_000);
  }
}
async function loadHeat() {
  clearTimeout(heatRetry);
  if (!hasMarkets()) return; // asked for when they are there
  const label = $("[data-legend]");
  const reason = $("[data-heat-reason]");
  try {
    const found = await readHeat(asOf(path("heatmap", heatTimeframe())));
    const map = found.columns.length ? new HeatMap(found) : null;
    chart.heat(map);
    label.hidden = !map || !chart.view.shown.heat;
    put(reason, map ? "" : found.reason || "");
    if (map) showCap();
    words();
  } catch (error) {
    if (wasReplaced(error)) return;
    label.hidden = true;
    put(reason, t("No heatmap yet: {why}", { why: error.message }));
    heatRetry = setTimeout(loadHeat, HEAT_AGAIN_MS);
  }
}
const inUnits = (value) => (chart.view.inUnits || usd)(value);
/** The top of the colour scale in words. */
export const showCap = () => chart.view.heat && put($("[data-ramp-max]"), inUnits(chart.view.heat.scale.cap));
/** Read candles again once a minute: closes, corrections and newly reported liquidations. */
async function renew() {
  if (document.hidden || desk.at || desk.isStale || performance.now() - shownAt < RENEW_MS || !chart.view.candles.length) return;
  shownAt = performance.now();
  try {
    const found = await readCandles(path("candles", desk.timeframe, `&limit=${CANDLES}`));
    chart.renew({ candles: withGaps(found), liquidations: found.liquidations });
  } catch {
    // The running candle still comes by the socket; the next minute asks again.
  }
}
/** Subscribe to what the open chart needs, and to nothing else. */
function follow() {
  for (const stop of drop) stop(); // what was followed before
  const { symbol, timeframe } = desk;
  drop = [];
  if (desk.at) return;
  drop = [
    live.subscribe(`market:${symbol}:${timeframe}`, (frame) =>
      paint("candle", () => {
        if (symbol !== desk.symbol || timeframe !== desk.timeframe || !chart.view.candles.length) return;
        const candle = toCandle(frame.candle);
        chart.tick(candle);
        if (!hovering) legend(candle);
      }),
    ),
    live.subscribe(`heatmap:${symbol}`, (frame) =>
      paint("heat", () => {
        const map = chart.view.heat;
        if (!map || symbol !== desk.symbol) return;
        if (map.take(frame, SECONDS[heatTimeframe()] || 900, now() / 1000)) chart.heat(map);
        else loadHeat();
      }),
    ),
  ];
}
let hovering = false;
function legend(candle, cell = null) {
  const d = decimals();
  const moved = candle.close / candle.open - 1;
  const parts = [];
  if (!isPhone.matches || !cell) {
    for (const [name, value] of [
      ["O", candle.open],
      ["H", candle.high],
      ["L", candle.low],
      ["C", candle.close],
    ]) {
      parts.push(h("span", {}, `${name} `, h("b", { text: fixed(value, d) })));
    }
  }
  parts.push(h("span", { class: moved >= 0 ? "up" : "down", text: change(moved) }));
  if (cell) {
    const found = { usd: h("b", { text: inUnits(cell.usd) }), price: price(cell.price, d) };
    parts.push(h("span", {}, pieces(t("estimated {usd} at {price}"), found)));
  }
  $("[data-ohlc]").replaceChildren(...parts);
}
/** The chart in one sentence: what a picture cannot tell to everybody. */
function words() {
  const m = market();
  const signal = current();
  const px = (x) => price(x, decimals());
  const about = { symbol: desk.symbol, timeframe: desk.timeframe, price: m ? px(m.price) : "" };
  const text = [
    m ? t("{symbol}, {timeframe} candles, last {price}.", about) : t("{symbol}, {timeframe} candles.", about),
    signal
      ? t("{side} signal: entry {low} to {high}, stop {stop}, targets {targets}.", {
          side: signal.side === "long" ? t("Long") : t("Short"),
          low: px(signal.entry.low),
          high: px(signal.entry.high),
          stop: px(signal.stop),
          targets: signal.targets.map((target) => px(target.price)).join(", "),
        })
      : t("No signal."),
  ];
  const map = chart.view.heat;
  if (map && map.clusters.length) {
    const [c] = map.clusters.slice().sort((a, b) => b.usd - a.usd);
    const near = { price: px(c.price), usd: usd(c.usd) };
    text.push(
      c.side === "long"
        ? t("Largest estimated liquidation cluster near {price}, about {usd} of longs.", near)
        : t("Largest estimated liquidation cluster near {price}, about {usd} of shorts.", near),
    );
  }
  put($("[data-chart-text]"), text.join(" "));
}
export function toggleLayer(name) {
  const button = $(`[data-layer="${name}"]`);
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(on));
  chart.toggle(name, on);
  if (name === "heat") $("[data-legend]").hidden = !on || !chart.view.heat;
}
/** The chart itself, for what is drawn on it later. */
export const theChart = () => chart;
export function showPrice(value) {
  chart.show(Number(value));
}
const ramp = () => paintRamp($("[data-ramp]"), document.documentElement.dataset.theme);

export function startChart(stream) {
  live = stream;
  chart = priceChart($("[data-chart]"), {
    onHover(candle, cell) {
      hovering = cell !== null;
      legend(candle, cell);
    },
  });
  for (const b of $$("[data-tf]")) {
    b.setAttribute("aria-pressed", String(b.dataset.tf === desk.timeframe));
    b.addEventListener("click", () => setTimeframe(b.dataset.tf));
  }
  for (const b of $$("[data-layer]")) b.addEventListener("click", () => toggleLayer(b.dataset.layer));
  const table = $("[data-table]");
  table.addEventListener("click", async () => {
    const { toggleTable } = await import("./table.js");
    toggleTable(table, chart.view, decimals());
  });
  listen(["symbol", "timeframe"], () => table.getAttribute("aria-pressed") === "true" && table.click());
  document.addEventListener("themechange", ramp);
  ramp();
  listen(["symbol", "at"], load);
  listen("timeframe", () => {
    for (const b of $$("[data-tf]")) b.setAttribute("aria-pressed", String(b.dataset.tf === desk.timeframe));
    load();
  });
  const replan = () => {
    chart.plan(current() ? planOf(current()) : null);
    words();
  };
  listen("chosen", replan);
  listen("signals", () => paint("plan", replan));
  listen("stale", (isStale) => !isStale && chart.view.candles.length && (shownAt = 0));
  listen("second", renew);
  let had = Boolean(market());
  listen("markets", () => {
    if (!had && market()) load(); // the engine came up while the page stood open, or a past minute was read
    had = Boolean(market());
  });
  load();
}
