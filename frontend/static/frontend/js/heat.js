// The liquidation heatmap: the colour ramp "Horizon", and the estimated cells as they come from the API.

// Lightness runs in equal OKLab steps; hue goes night blue → steel → mauve → brass → straw. Dark starts at
// the panel colour (nothing there = nothing drawn); light runs from paper to night blue.
const STOPS = {
  dark: {
    L: [0.185, 0.95],
    C: [0.006, 0.075, 0.085, 0.06, 0.045, 0.085, 0.115, 0.085],
    h: [250, 258, 262, 275, 330, 420, 448, 458],
  },
  light: {
    L: [0.99, 0.3],
    C: [0.004, 0.055, 0.085, 0.085, 0.06, 0.055, 0.085, 0.095],
    h: [455, 448, 432, 410, 345, 285, 264, 260],
  },
};
/** OKLCH to sRGB bytes (Ottosson, 2020). */
function oklch(L, C, degrees) {
  const hue = (degrees * Math.PI) / 180;
  const [a, b] = [C * Math.cos(hue), C * Math.sin(hue)];
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((c) => {
    const x = Math.min(1, Math.max(0, c));
    return Math.round(255 * (x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055));
  });
}
function along(stops, t) {
  const x = t * (stops.length - 1);
  const i = Math.min(stops.length - 2, Math.floor(x));
  return stops[i] + (stops[i + 1] - stops[i]) * (x - i);
}
function smooth(stops, t) {
  let [sum, weight] = [0, 0];
  for (let k = -4; k <= 4; k++) {
    const g = 1 - Math.abs(k) / 5;
    sum += g * along(stops, Math.min(1, Math.max(0, t + k * 0.018)));
    weight += g;
  }
  return sum / weight;
}
const ramps = {};
/** 256 colours of a theme, as bytes r, g, b. */
export function ramp(theme) {
  if (ramps[theme]) return ramps[theme];
  const { L, C, h } = STOPS[theme];
  const colours = new Uint8ClampedArray(256 * 3);
  for (let i = 0; i < 256; i++) {
    const t = i / 255;
    colours.set(oklch(L[0] + (L[1] - L[0]) * t, smooth(C, t), smooth(h, t)), i * 3);
  }
  return (ramps[theme] = colours);
}
/** Draw the legend's ramp. */
export function paintRamp(canvas, theme) {
  const width = (canvas.width = 224);
  canvas.height = 1;
  const ctx = canvas.getContext("2d");
  const image = ctx.createImageData(width, 1);
  const colours = ramp(theme);
  for (let x = 0; x < width; x++) {
    const i = Math.round((x / (width - 1)) * 255) * 3;
    image.data.set([colours[i], colours[i + 1], colours[i + 2], 255], x * 4);
  }
  ctx.putImageData(image, 0, 0);
}

/** Little-endian float32 from base64. */
function floats(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new Float32Array(bytes.buffer);
}
const FAINTEST = 0.02; // share of the cap below which nothing is drawn: empty is the panel's colour

/**
 * The colour scale of a map: its top (99.92nd percentile, or 1.5 times the mean of filled cells, whichever is
 * larger) and the exponent that puts the mean at a third of the ramp. A sparse map (mean a ninth of the top)
 * gets the square root, so that weak bands show; an even one is not made to look dramatic.
 */
export function scaleOf(cells) {
  const filled = cells.filter((v) => v > 0).sort();
  if (!filled.length) return { cap: 1, power: 0.5 };
  const mean = filled.reduce((a, v) => a + v, 0) / filled.length;
  const cap = Math.max(filled[Math.min(filled.length - 1, Math.floor(filled.length * 0.9992))], 1.5 * mean);
  return { cap, power: Math.min(2, Math.max(0.5, Math.log(1 / 3) / Math.log(mean / cap))) };
}
/** Place of a value on the ramp, 0..1. */
export function shade(v, { cap, power, faintest = FAINTEST }) {
  if (v <= faintest * cap) return 0;
  const floor = faintest ** power;
  return (Math.min(1, v / cap) ** power - floor) / (1 - floor);
}

const LONGEST_HOLE_S = 4 * 3600;

/** Estimated notional (USDT) by time and price level; levels are even in the logarithm of the price. */
export class HeatMap {
  constructor(payload) {
    this.low = payload.low;
    this.step = payload.step;
    this.rows = payload.rows;
    this.times = payload.columns.slice();
    this.cells = floats(payload.cells);
    this.longs = floats(payload.long_now);
    this.shorts = floats(payload.short_now);
    this.clusters = payload.clusters || [];
    this.scale = scaleOf(this.cells);
    this.whole = this.scale;
    this.only = ""; // long or short: nothing but that side is shown
    this.since = 0; // seconds before which nothing is shown
    this.splits = new Map(); // column → level of the price then: below it lie longs, above it shorts
  }
  /** Show one side, a shorter past, other ends of the colour scale (shares of its top). */
  adjust({ only = "", hours = 0, faintest = 0, top = 1 }) {
    this.only = only;
    this.since = hours ? this.times[this.times.length - 1] - hours * 3600 : 0;
    const { cap, power } = this.whole;
    this.scale = { cap: cap * top, power, ...(faintest ? { faintest } : {}) };
  }
  /** Level of a price; may lie outside 0..rows-1. */
  row(price) {
    return Math.floor(Math.log(price / this.low) / this.step);
  }
  /** Lower edge of a level. */
  edge(row) {
    return this.low * Math.exp(this.step * row);
  }
  at(column, row) {
    if (row < 0 || row >= this.rows || column < 0 || this.times[column] < this.since) return 0;
    if (this.only && (this.only === "long") !== row < this.splits.get(column)) return 0;
    return this.cells[column * this.rows + row];
  }
  /** What rests at a level now. */
  resting(row) {
    return (this.only === "short" ? 0 : this.longs[row]) + (this.only === "long" ? 0 : this.shorts[row]);
  }
  /** What rests between two prices now. */
  between(a, b) {
    const [from, to] = [this.row(Math.min(a, b)), this.row(Math.max(a, b))];
    let sum = 0;
    for (let k = Math.max(0, from); k <= Math.min(this.rows - 1, to); k++) sum += this.resting(k);
    return sum;
  }
  /** For each candle the newest column known at its end, or -1. */
  columnsOf(candles, seconds) {
    const out = new Int32Array(candles.length);
    let c = -1;
    candles.forEach((candle, i) => {
      while (c + 1 < this.times.length && this.times[c + 1] < candle.time + seconds) c++;
      const hole = c < 0 ? Infinity : candle.time - this.times[c];
      out[i] = hole > Math.max(LONGEST_HOLE_S, seconds) ? -1 : c;
      if (c >= 0 && candle.close !== undefined) this.splits.set(c, this.row(candle.close));
    });
    return out;
  }
  /** Take a frame of the topic `heatmap:SYM`; false if the map has moved too far and must be read again. */
  take(frame, seconds, nowS) {
    const moved = Math.round(Math.log(frame.low / this.low) / this.step);
    if (frame.rows !== this.rows || frame.step !== this.step || Math.abs(moved) > this.rows / 6) return false;
    const [longs, shorts] = [floats(frame.long_now), floats(frame.short_now)];
    this.longs.fill(0);
    this.shorts.fill(0);
    const column = new Float32Array(this.rows);
    for (let k = 0; k < this.rows; k++) {
      const to = k + moved;
      if (to < 0 || to >= this.rows) continue;
      this.longs[to] = longs[k];
      this.shorts[to] = shorts[k];
      column[to] = longs[k] + shorts[k];
    }
    const time = Math.floor(nowS / seconds) * seconds;
    if (time > this.times[this.times.length - 1]) {
      this.times.push(time);
      const grown = new Float32Array(this.cells.length + this.rows);
      grown.set(this.cells);
      this.cells = grown;
    }
    this.cells.set(column, this.cells.length - this.rows);
    this.clusters = frame.clusters || this.clusters;
    return true;
  }
}
