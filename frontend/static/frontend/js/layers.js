// What is drawn on the chart's own axes: heatmap, gaps, profile, liquidation marks, signal.
// Each is a series primitive of the chart library; `view` is the chart's shared view state.
import { ramp, shade } from "./heat.js";
import { usd } from "./format.js";
import { t } from "./text.js";

export const FONT = '"Archivo", "Archivo Fallback", system-ui, sans-serif';
const font = (px, weight = 400) => `${weight} ${px}px ${FONT}`;

export class Layer {
  constructor(z, view, draw) {
    this.view = view;
    this.on = true;
    const renderer = { draw: (target) => target.useBitmapCoordinateSpace((scope) => draw(scope, this)) };
    this._views = [{ zOrder: () => z, renderer: () => (this.on ? renderer : null) }];
  }
  attached({ chart, series, requestUpdate }) {
    Object.assign(this, { chart, series, requestUpdate });
  }
  detached() {
    this.chart = null;
  }
  updateAllViews() {}
  paneViews() {
    return this._views;
  }
  /** The library answers for whole indexes only; half candles are worked out from the spacing. */
  x(logical) {
    const scale = this.chart.timeScale();
    const i = Math.floor(logical);
    const a = scale.logicalToCoordinate(i);
    return a === null ? null : a + (logical - i) * (scale.logicalToCoordinate(i + 1) - a);
  }
  y(price) {
    return this.series.priceToCoordinate(price);
  }
  refresh() {
    if (this.requestUpdate) this.requestUpdate();
  }
}
/** Run `paint` in media pixels. */
export function inPixels({ context, horizontalPixelRatio, verticalPixelRatio, mediaSize }, paint) {
  context.save();
  context.scale(horizontalPixelRatio, verticalPixelRatio);
  paint(context, mediaSize);
  context.restore();
}
export function pill(ctx, x, y, words, { fg, bg, align = "left", px = 11, weight = 500, pad = 4 }) {
  ctx.font = font(px, weight);
  const width = ctx.measureText(words).width + pad * 2;
  const x0 = align === "right" ? x - width : x;
  ctx.fillStyle = bg;
  ctx.fillRect(x0, y - px * 0.78, width, px * 1.5);
  ctx.fillStyle = fg;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  ctx.fillText(words, x0 + pad, y + 0.5);
}

/** One pixel per candle and level, scaled by the canvas with smoothing off. */
export function heatImage(heat, columns, theme) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, columns.length);
  canvas.height = heat.rows;
  const ctx = canvas.getContext("2d");
  const image = ctx.createImageData(canvas.width, heat.rows);
  const colours = ramp(theme);
  for (let i = 0; i < columns.length; i++) {
    if (columns[i] < 0) continue;
    for (let k = 0; k < heat.rows; k++) {
      const t = shade(heat.at(columns[i], k), heat.scale);
      if (t <= 0) continue;
      const c = Math.round(t * 255) * 3;
      image.data.set([colours[c], colours[c + 1], colours[c + 2], 255], ((heat.rows - 1 - k) * canvas.width + i) * 4);
    }
  }
  ctx.putImageData(image, 0, 0);
  return canvas;
}
export function heatLayer(view) {
  return new Layer(
    "bottom",
    view,
    ({ context: ctx, bitmapSize, horizontalPixelRatio: hr, verticalPixelRatio: vr }, L) => {
      const { heat, image, candles } = view;
      if (!heat || !image || !candles.length) return;
      const [x0, x1] = [L.x(-0.5), L.x(candles.length - 0.5)];
      if (x0 === null) return;
      ctx.save();
      ctx.imageSmoothingEnabled = false;
      // Levels are even in the logarithm, the axis is not: each level has its own height.
      let below = L.y(heat.edge(0));
      for (let k = 0; k < heat.rows; k++) {
        const above = L.y(heat.edge(k + 1));
        if (above === null || below === null) return ctx.restore();
        if (below > 0 && above * vr < bitmapSize.height) {
          const [top, height] = [Math.round(above * vr), Math.max(1, Math.round(below * vr) - Math.round(above * vr))];
          const source = heat.rows - 1 - k;
          ctx.globalAlpha = 1;
          ctx.drawImage(image, 0, source, image.width, 1, x0 * hr, top, (x1 - x0) * hr, height);
          // What rests now is carried on to the right edge, fainter: it has not happened yet.
          ctx.globalAlpha = 0.5;
          const rest = bitmapSize.width - x1 * hr;
          if (rest > 0) ctx.drawImage(image, image.width - 1, source, 1, 1, x1 * hr, top, rest, height);
        }
        below = above;
      }
      ctx.restore();
    },
  );
}
/** Candles that are missing: hatched, with the reason, never joined over. */
export function gapLayer(view) {
  return new Layer("bottom", view, (scope, L) =>
    inPixels(scope, (ctx, size) => {
      const { candles, colours: C } = view;
      for (let i = 0; i < candles.length; i++) {
        if (candles[i].close !== undefined) continue;
        let end = i;
        while (end + 1 < candles.length && candles[end + 1].close === undefined) end++;
        const [a, b] = [L.x(i - 0.5), L.x(end + 0.5)];
        ctx.save();
        ctx.beginPath();
        ctx.rect(a, 0, b - a, size.height);
        ctx.clip();
        ctx.strokeStyle = C.line3;
        ctx.lineWidth = 1;
        ctx.beginPath();
        for (let d = -size.height; d < b - a; d += 8)
          (ctx.moveTo(a + d, size.height), ctx.lineTo(a + d + size.height, 0));
        ctx.stroke();
        ctx.restore();
        if (b - a > 90) pill(ctx, a + 4, size.height - 14, t("No data received"), { fg: C.ink2, bg: C.panel, px: 10 });
        i = end;
      }
    }),
  );
}
export function profileLayer(view) {
  return new Layer("normal", view, (scope, L) =>
    inPixels(scope, (ctx, size) => {
      const { heat, colours: C, profileWidth: width } = view;
      const last = view.last();
      if (!heat || !last) return;
      const [right, left, H] = [size.width, size.width - width, size.height];
      const colours = ramp(view.theme);
      ctx.fillStyle = C.panel;
      ctx.globalAlpha = 0.86;
      ctx.fillRect(left, 0, width, H);
      ctx.globalAlpha = 1;
      ctx.fillStyle = C.line;
      ctx.fillRect(left, 0, 1, H);
      const bins = [];
      let most = 0;
      for (let y = 0; y < H; y += 4) {
        const [top, bottom] = [L.series.coordinateToPrice(y), L.series.coordinateToPrice(y + 4)];
        if (top === null || bottom === null || bottom <= 0) continue;
        const [a, z] = [Math.max(0, heat.row(bottom)), Math.min(heat.rows - 1, heat.row(top))];
        let sum = 0;
        for (let k = a; k <= z; k++) sum += heat.resting(k);
        const value = sum / Math.max(1, z - a + 1);
        bins.push({ y, value, price: (top + bottom) / 2 });
        most = Math.max(most, value);
      }
      if (!most) return;
      for (const { y, value } of bins) {
        const c = Math.round(Math.max(0.3, shade(value, heat.scale)) * 255) * 3;
        ctx.fillStyle = `rgb(${colours[c]},${colours[c + 1]},${colours[c + 2]})`;
        const length = Math.sqrt(value / most) * (width - 14);
        ctx.fillRect(right - length, y, length, 3);
      }
      cumulative(ctx, bins, last.close, L.y(last.close), right, width, C);
      if (view.cursor) {
        // The cursor of the chart goes through the profile: what lies between here and the price.
        const y = L.y(view.cursor);
        ctx.fillStyle = C.ink;
        ctx.fillRect(left, Math.round(y), width, 1);
        const sum = t("{usd} to here", { usd: usd(heat.between(last.close, view.cursor)) });
        if (!view.small) pill(ctx, right - 2, y + (y > 30 ? -11 : 11), sum, { fg: C.ink, bg: C.panel, px: 10, align: "right" });
      }
      if (view.small) return;
      const total = (side) => usd(side.reduce((sum, v) => sum + v, 0));
      const style = { fg: C.ink2, bg: C.panel, px: 10, weight: 400 };
      pill(ctx, left + 2, 12, t("Shorts {usd}", { usd: total(heat.shorts) }), style);
      pill(ctx, left + 2, H - 12, t("Longs {usd}", { usd: total(heat.longs) }), style);
    }),
  );
}
/** Cumulative curves, away from the price on both sides. */
function cumulative(ctx, bins, now, yNow, right, width, C) {
  const sides = [bins.filter((b) => b.price > now).reverse(), bins.filter((b) => b.price < now)].map((side) => {
    let sum = 0;
    return side.map((b) => [b.y, (sum += b.value)]);
  });
  const most = Math.max(...sides.map((side) => (side.length ? side[side.length - 1][1] : 0))) || 1;
  ctx.strokeStyle = C.ink;
  ctx.lineWidth = 1.25;
  for (const side of sides) {
    ctx.beginPath();
    ctx.moveTo(right - 1, yNow);
    for (const [y, sum] of side) ctx.lineTo(right - 1 - (sum / most) * (width - 10), y);
    ctx.stroke();
  }
}
/** Reported liquidations: hollow triangles, area by dollars; ▽ longs under the low, △ shorts over the high. */
export function liquidationLayer(view) {
  return new Layer("top", view, (scope, L) =>
    inPixels(scope, (ctx) => {
      const { marks, colours: C } = view;
      const most = Math.max(...marks.map((m) => m.usd), 1);
      for (const mark of marks) {
        const [x, y0] = [L.x(mark.index), L.y(mark.price)];
        if (x === null || y0 === null) continue;
        const r = 4 + 5 * Math.sqrt(mark.usd / most);
        const d = mark.side === "long" ? 1 : -1;
        const y = y0 + d * (r + 5);
        ctx.beginPath();
        ctx.moveTo(x, y + d * r * 0.9);
        ctx.lineTo(x - r, y - d * r * 0.7);
        ctx.lineTo(x + r, y - d * r * 0.7);
        ctx.closePath();
        ctx.fillStyle = C.panel;
        ctx.fill();
        ctx.lineWidth = 1.5;
        ctx.strokeStyle = mark.side === "long" ? C.down : C.up;
        ctx.stroke();
      }
    }),
  );
}
