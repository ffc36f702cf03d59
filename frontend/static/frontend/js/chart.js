// The price chart: candles of TradingView Lightweight Charts with our drawings on the same axes.
import { CandlestickSeries, CrosshairMode, createChart } from "../../vendor/lightweight-charts.mjs";
import { fixed } from "./format.js";
import { FONT, gapLayer, heatImage, heatLayer, liquidationLayer, profileLayer } from "./layers.js";
import { signalLayer } from "./overlay.js";

const NAMES = ["up", "down", "ink", "ink-2", "ink-3", "panel", "line", "line-3", "grid"];
const MOST_MARKS = 16;

function colours() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(NAMES.map((n) => [n.replace("-", ""), style.getPropertyValue(`--${n}`).trim()]));
}
const theme = () => document.documentElement.dataset.theme;

/** What the layers share: candles, map, plan, and where a time lies. */
class View {
  constructor(small) {
    Object.assign(this, {
      small,
      profileWidth: small ? 44 : 92,
      candles: [],
      seconds: 60,
      decimals: 2,
      heat: null,
      image: null,
      plan: null,
      marks: [],
    });
    this.shown = { heat: true, profile: true, liq: true, signal: true };
    this.recolour();
  }
  recolour() {
    this.colours = colours();
    this.theme = theme();
    this.draw();
  }
  /** Rebuild the map's picture (a millisecond or two for 500 × 120 cells). */
  draw() {
    this.columns = this.heat ? this.heat.columnsOf(this.candles, this.seconds) : null;
    this.image = this.heat && this.heat.times.length ? heatImage(this.heat, this.columns, this.theme) : null;
  }
  last() {
    for (let i = this.candles.length - 1; i >= 0; i--) if (this.candles[i].close !== undefined) return this.candles[i];
    return null;
  }
  /** Logical index of a time in seconds; between candles it is a fraction. */
  logical(at) {
    const { candles, seconds } = this;
    let [a, b] = [0, candles.length - 1];
    while (a < b) {
      const m = (a + b + 1) >> 1;
      if (candles[m].time <= at) a = m;
      else b = m - 1;
    }
    const past = (at - candles[a].time) / seconds;
    return a === candles.length - 1 ? a + past : a + Math.min(past, 1);
  }
}
/** Sum reported liquidations by candle and side; the largest are drawn. */
function marksOf(liquidations, view) {
  const sums = new Map();
  for (const { at_s, usd, side } of liquidations) {
    const i = Math.floor(view.logical(at_s));
    const candle = view.candles[i];
    if (!candle || candle.close === undefined) continue;
    const key = `${i}${side}`;
    const mark = sums.get(key) || { index: i, side, usd: 0, price: side === "long" ? candle.low : candle.high };
    mark.usd += usd;
    sums.set(key, mark);
  }
  return [...sums.values()].sort((a, b) => b.usd - a.usd).slice(0, MOST_MARKS);
}

export function priceChart(el, { onHover }) {
  const small = el.clientWidth < 560;
  const view = new View(small);
  const options = () => {
    const C = view.colours;
    const cross = { color: C.line3, labelBackgroundColor: C.line3, style: 2, width: 1 };
    return {
      layout: {
        attributionLogo: false,
        background: { color: "transparent" },
        textColor: C.ink3,
        fontFamily: FONT,
        fontSize: 11,
      },
      grid: { vertLines: { visible: false }, horzLines: { color: C.grid } },
      crosshair: { mode: CrosshairMode.Normal, vertLine: cross, horzLine: cross },
      rightPriceScale: { borderColor: C.line },
      timeScale: { borderColor: C.line },
    };
  };
  const candleOptions = () => {
    const C = view.colours;
    const format = { type: "custom", minMove: 10 ** -view.decimals, formatter: (p) => fixed(p, view.decimals) };
    return {
      upColor: C.up,
      downColor: C.down,
      wickUpColor: C.up,
      wickDownColor: C.down,
      priceLineColor: C.ink3,
      priceFormat: format,
    };
  };
  const chart = createChart(el, {
    autoSize: true,
    ...options(),
    rightPriceScale: {
      scaleMargins: { top: small ? 0.15 : 0.06, bottom: small ? 0.1 : 0.06 },
      minimumWidth: small ? 56 : 68,
    },
    timeScale: {
      timeVisible: true,
      secondsVisible: false,
      rightOffset: small ? 46 : 52,
      barSpacing: small ? 2.6 : 3.5,
      minBarSpacing: 1,
    },
    handleScroll: { vertTouchDrag: false },
    localization: { timeFormatter: (t) => new Date(t * 1000).toISOString().slice(5, 16).replace("T", " ") + " UTC" },
  });
  chart.applyOptions(options());
  const series = chart.addSeries(CandlestickSeries, {
    borderVisible: false,
    priceLineStyle: 2,
    lastValueVisible: true,
    ...candleOptions(),
  });
  const layers = {
    heat: heatLayer(view),
    gaps: gapLayer(view),
    profile: profileLayer(view),
    liq: liquidationLayer(view),
    signal: signalLayer(view),
  };
  for (const layer of Object.values(layers)) series.attachPrimitive(layer);
  const refresh = () => layers.heat.refresh();
  const rescale = () => chart.priceScale("right").applyOptions({ autoScale: true });

  chart.subscribeCrosshairMove((event) => {
    const candle = (event.seriesData && event.seriesData.get(series)) || view.last();
    let cell = null;
    if (view.heat && view.columns && view.shown.heat && event.point && event.logical !== undefined) {
      const price = series.coordinateToPrice(event.point.y);
      const i = Math.max(0, Math.min(view.columns.length - 1, Math.round(event.logical)));
      view.cursor = price > 0 ? price : null;
      if (price > 0) cell = { price, usd: view.heat.at(view.columns[i], view.heat.row(price)) };
    }
    if (!event.point) view.cursor = null;
    if (candle) onHover(candle, event.point ? cell : null);
  });

  const api = {
    view,
    chart,
    /** Add a layer of somebody else's under a name, with which it is switched. */
    attach(name, layer) {
      layers[name] = layer;
      view.shown[name] = true;
      series.attachPrimitive(layer);
    },
    /** Show a symbol and timeframe anew. */
    set({ candles, seconds, decimals, liquidations }) {
      Object.assign(view, { candles, seconds, decimals, heat: null, marks: [] });
      view.marks = candles.length ? marksOf(liquidations, view) : [];
      view.draw();
      series.applyOptions(candleOptions());
      series.setData(candles);
      chart.timeScale().resetTimeScale();
      rescale();
    },
    /** Take candles read again, keeping where one looks. */
    renew({ candles, liquidations }) {
      view.candles = candles;
      view.marks = candles.length ? marksOf(liquidations, view) : [];
      view.draw();
      series.setData(candles);
    },
    heat(map) {
      if (map && view.adjusted) map.adjust(view.adjusted);
      view.heat = map;
      view.draw();
      refresh();
    },
    plan(plan) {
      view.plan = plan;
      rescale();
      refresh();
    },
    /** Take the running candle; a new one is appended. */
    tick(candle) {
      const last = view.candles[view.candles.length - 1];
      if (last && candle.time < last.time) return;
      if (last && last.time === candle.time) view.candles[view.candles.length - 1] = candle;
      else {
        view.candles.push(candle);
        view.draw();
      }
      series.update(candle);
    },
    toggle(name, on) {
      view.shown[name] = on;
      if (layers[name]) layers[name].on = on;
      if (name === "signal") rescale();
      refresh();
    },
    /** Bring a price into sight. */
    show(price) {
      const y = series.priceToCoordinate(price);
      if (y === null || y < 0 || y > el.clientHeight) rescale();
      chart.timeScale().scrollToRealTime();
      const last = view.last();
      if (last) chart.setCrosshairPosition(price, last.time, series);
    },
  };
  document.addEventListener("themechange", () => {
    view.recolour();
    chart.applyOptions(options());
    series.applyOptions(candleOptions());
    refresh();
  });
  if (document.fonts) document.fonts.ready.then(() => chart.applyOptions({ layout: { fontSize: 11 } }));
  return api;
}
