// Two or four charts: further ones beside the first, each with a market and a timeframe of its own, live.
import { CandlestickSeries, createChart } from "../../../vendor/lightweight-charts.mjs";
import { ApiError, reader, wasReplaced } from "../api.js";
import { $, h, icon, put } from "../dom.js";
import { change, fixed, moment } from "../format.js";
import { FONT } from "../layers.js";
import { paint } from "../paint.js";
import { t } from "../text.js";
import { SECONDS, asOf, desk, listen, select, tell } from "./desk.js";

const CANDLES = 200;
const RENEW_MS = 60_000;
const box = $(".pane-chart");
let live;
let shown = []; // one a further chart

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
function look() {
  const [up, down] = [colour("up"), colour("down")];
  return {
    chart: {
      layout: { attributionLogo: false, background: { color: "transparent" }, textColor: colour("ink-3"), fontFamily: FONT, fontSize: 10 },
      grid: { vertLines: { visible: false }, horzLines: { color: colour("grid") } },
      rightPriceScale: { borderColor: colour("line") },
      timeScale: { borderColor: colour("line") },
    },
    series: { upColor: up, downColor: down, wickUpColor: up, wickDownColor: down, borderVisible: false },
  };
}
class Small {
  constructor(place) {
    this.place = place;
    this.read = reader();
    this.candles = [];
    const options = [...desk.markets.keys()].map((symbol) => h("option", { value: symbol, text: symbol }));
    this.symbol = h("select", { class: "input", "aria-label": t("Market of chart {n}", { n: place + 2 }) }, options);
    this.frame = h("select", { class: "input", "aria-label": t("Timeframe of chart {n}", { n: place + 2 }) }, Object.keys(SECONDS).map((frame) => h("option", { value: frame, text: frame })));
    this.words = h("span", { class: "num grow r" });
    this.note = h("p", { class: "chart-note", role: "status" });
    this.canvas = h("div", { class: "small-canvas", "aria-hidden": "true" });
    this.text = h("p", { class: "vh" });
    const open = h("button", { class: "btn-icon", type: "button", title: t("Open this market"), "aria-label": t("Open this market"), onclick: () => select(this.asked().symbol) }, icon("maximize-2"));
    this.el = h("section", { class: "small-chart", "aria-label": t("Chart {n}", { n: place + 2 }), "data-small-chart": "" }, h("div", { class: "small-head" }, this.symbol, this.frame, this.words, open), h("div", { class: "small-box" }, this.canvas, this.note, this.text));
    for (const field of [this.symbol, this.frame])
      field.addEventListener("change", () => {
        desk.charts = desk.charts.map((c, i) => (i === place ? { symbol: this.symbol.value, timeframe: this.frame.value } : c));
        this.load();
        tell("charts-changed");
      });
  }
  asked() {
    return desk.charts[this.place];
  }
  start() {
    const { chart, series } = look();
    this.chart = createChart(this.canvas, { autoSize: true, ...chart, timeScale: { ...chart.timeScale, timeVisible: true, rightOffset: 4 } });
    this.series = this.chart.addSeries(CandlestickSeries, series);
    this.load();
  }
  async load() {
    const { symbol, timeframe } = this.asked();
    this.symbol.value = symbol;
    this.frame.value = timeframe;
    this.leave();
    try {
      const found = await this.read(asOf(`markets/${symbol}/candles?timeframe=${timeframe}&limit=${CANDLES}`));
      const gaps = found.gaps.map((time) => ({ time }));
      const all = [...found.candles.map(([time, open, high, low, close]) => ({ time, open, high, low, close })), ...gaps].sort((a, b) => a.time - b.time);
      this.candles = all.filter((c, i) => !i || all[i - 1].time !== c.time);
      const m = desk.markets.get(symbol);
      this.decimals = m ? m.decimals : 2;
      this.series.applyOptions({ priceFormat: { type: "custom", minMove: 10 ** -this.decimals, formatter: (p) => fixed(p, this.decimals) } });
      this.series.setData(this.candles);
      this.chart.timeScale().resetTimeScale();
      this.readAt = performance.now();
      put(this.note, "");
      this.say();
      if (!desk.at) this.drop = live.subscribe(`market:${symbol}:${timeframe}`, (frame) => paint(`small ${this.place}`, () => this.tick(frame)));
    } catch (error) {
      if (!wasReplaced(error)) put(this.note, error instanceof ApiError ? error.message : t("This chart could not be read."));
    }
  }
  tick({ candle: [time, open, high, low, close] }) {
    const last = this.candles[this.candles.length - 1];
    if (!last || time < last.time) return;
    if (last.time === time) this.candles.pop();
    this.candles.push({ time, open, high, low, close });
    this.series.update({ time, open, high, low, close });
    this.say();
  }
  say() {
    const known = this.candles.filter((c) => c.close !== undefined);
    const last = known[known.length - 1];
    if (!last) return;
    const [price, move] = [fixed(last.close, this.decimals), change(last.close / last.open - 1)];
    put(this.words, `${price}  ${move}`);
    this.words.className = `num grow r ${last.close >= last.open ? "up" : "down"}`;
    put(this.text, t("{symbol}, {timeframe} candles from {from}, last {price}.", { ...this.asked(), from: moment(known[0].time * 1000), price }));
  }
  leave() {
    if (this.drop) this.drop();
    this.drop = null;
  }
  remove() {
    this.leave();
    this.chart.remove();
    this.el.remove();
  }
}
/** Show as many charts as `desk.charts` asks for. */
function show() {
  for (const one of shown) one.remove();
  shown = desk.charts.map((_, i) => new Small(i));
  box.dataset.charts = String(shown.length + 1);
  for (const one of shown) box.append(one.el);
  for (const one of shown) one.start();
  for (const b of document.querySelectorAll("[data-charts-n]")) b.setAttribute("aria-pressed", String(Number(b.dataset.chartsN) === shown.length + 1));
}
/** One, two or four charts; new ones show the largest markets. */
export function setCharts(count) {
  const known = [...desk.markets.keys()].filter((symbol) => symbol !== desk.symbol);
  const wanted = desk.charts.slice(0, count - 1);
  while (wanted.length < count - 1) wanted.push({ symbol: known[wanted.length] || desk.symbol, timeframe: desk.timeframe });
  desk.charts = wanted;
  show();
  tell("charts-changed");
}
export function startMulti(stream) {
  live = stream;
  listen("charts", show);
  listen("at", () => shown.forEach((one) => one.load()));
  listen("second", () => !desk.at && !document.hidden && shown.forEach((one) => performance.now() - one.readAt > RENEW_MS && one.load()));
  document.addEventListener("themechange", () => {
    const { chart, series } = look();
    for (const one of shown) (one.chart.applyOptions(chart), one.series.applyOptions(series));
  });
  if (desk.charts.length) show();
}
