// What people draw on a chart: line, ray, box, Fibonacci levels, ruler. Geometry and painting; who draws, and where
// it is kept, is not known here. A drawing is {id, kind, points: [[seconds, price], [seconds, price]]}.
import { change, fixed, price } from "./format.js";
import { Layer, inPixels, pill } from "./layers.js";
import { n, t } from "./text.js";

export const KINDS = ["line", "ray", "box", "fib", "ruler"];
const FIB = [0, 0.236, 0.382, 0.5, 0.618, 0.786, 1];
const NEAR = 7; // pixels
const HANDLE = 4;

export const kindWord = (kind) =>
  ({ line: t("Line"), ray: t("Ray"), box: t("Box"), fib: t("Fibonacci levels"), ruler: t("Ruler") })[kind];

/** Seconds of a logical index, on both sides of what is known. */
export function timeOf(view, logical) {
  const { candles, seconds } = view;
  const end = candles.length - 1;
  if (logical >= end) return Math.round(candles[end].time + (logical - end) * seconds);
  if (logical < 0) return Math.round(candles[0].time + logical * seconds);
  const i = Math.floor(logical);
  return Math.round(candles[i].time + (logical - i) * seconds);
}
/** Pixels of a drawing's two points; null while the chart cannot say. */
function ends(item, layer) {
  const found = item.points.map(([at, value]) => [layer.x(layer.view.logical(at)), layer.y(value)]);
  return found.flat().some((v) => v === null || !Number.isFinite(v)) ? null : found;
}
/** Where a ray leaves the pane. */
function far([x0, y0], [x1, y1], width) {
  if (Math.abs(x1 - x0) < 1e-6) return [x1, y1 > y0 ? 1e5 : -1e5];
  const x = x1 > x0 ? width : 0;
  return [x, y0 + ((x - x0) * (y1 - y0)) / (x1 - x0)];
}
function toSegment(x, y, [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const k = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(x - ax - k * dx, y - ay - k * dy);
}
function distance(item, [a, b], x, y, width) {
  if (item.kind === "line") return toSegment(x, y, a, b);
  if (item.kind === "ray") return toSegment(x, y, a, far(a, b, width));
  const [left, right] = [Math.min(a[0], b[0]), Math.max(a[0], b[0])];
  if (item.kind === "fib") {
    if (x < left - NEAR || x > right + NEAR) return Infinity;
    return Math.min(...FIB.map((f) => Math.abs(y - (b[1] + (a[1] - b[1]) * f))));
  }
  const corners = [a, [b[0], a[1]], b, [a[0], b[1]]];
  return Math.min(...corners.map((from, i) => toSegment(x, y, from, corners[(i + 1) % 4])));
}
/** What lies under a pixel: {item, part}, part 0 or 1 for an end, 2 for the whole; null for nothing. */
export function hit(layer, x, y, width) {
  for (const item of [...layer.view.drawings].reverse()) {
    const at = ends(item, layer);
    if (!at) continue;
    const part = at.findIndex(([px, py]) => Math.hypot(x - px, y - py) <= NEAR + 2);
    if (part >= 0) return { item, part };
    if (distance(item, at, x, y, width) <= NEAR) return { item, part: 2 };
  }
  return null;
}
/** What a ruler measures. */
export function measured(view, [[t0, p0], [t1, p1]]) {
  const candles = Math.round(Math.abs(view.logical(t1) - view.logical(t0)));
  return {
    move: change(p1 / p0 - 1),
    by: fixed(Math.abs(p1 - p0), view.decimals),
    candles: n("{count} candle", "{count} candles", candles),
  };
}
/** A drawing in words. */
export function words(view, item) {
  const px = (value) => price(value, view.decimals);
  const at = (seconds) => `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  const [[t0, p0], [t1, p1]] = item.points;
  const said = t("{kind} from {from} at {start} to {to} at {end}", {
    kind: kindWord(item.kind),
    from: px(p0),
    start: at(t0),
    to: px(p1),
    end: at(t1),
  });
  return item.kind === "ruler" ? `${said}: ${Object.values(measured(view, item.points)).join(", ")}` : said;
}

function path(ctx, points) {
  ctx.beginPath();
  points.forEach(([x, y], i) => (i ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
}
/** A line with a halo of the panel's colour, so that it stands on the map. */
function stroke(ctx, C, points, colour, width = 1.5) {
  path(ctx, points);
  ctx.strokeStyle = C.panel;
  ctx.globalAlpha = 0.6;
  ctx.lineWidth = width + 2.5;
  ctx.stroke();
  ctx.globalAlpha = 1;
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.stroke();
}
function fill(ctx, colour, alpha, [ax, ay], [bx, by]) {
  ctx.globalAlpha = alpha;
  ctx.fillStyle = colour;
  ctx.fillRect(Math.min(ax, bx), Math.min(ay, by), Math.abs(bx - ax), Math.abs(by - ay));
  ctx.globalAlpha = 1;
}
const PAINT = {
  line: (ctx, C, a, b) => stroke(ctx, C, [a, b], C.ink),
  ray: (ctx, C, a, b, { width }) => stroke(ctx, C, [a, far(a, b, width)], C.ink),
  box(ctx, C, a, b) {
    fill(ctx, C.ink, 0.1, a, b);
    stroke(ctx, C, [a, [b[0], a[1]], b, [a[0], b[1]], a], C.ink, 1);
  },
  fib(ctx, C, a, b, { view, item, right }) {
    const [p0, p1] = item.points.map((point) => point[1]);
    const [left, end] = [Math.min(a[0], b[0]), Math.max(a[0], b[0])];
    for (const f of FIB) {
      const y = b[1] + (a[1] - b[1]) * f;
      stroke(ctx, C, [[left, y], [end, y]], f === 0 || f === 1 ? C.ink : C.ink2, 1);
      const label = `${fixed(f * 100, f && f !== 1 ? 1 : 0)}%  ${fixed(p1 + (p0 - p1) * f, view.decimals)}`;
      pill(ctx, Math.min(end + 4, right - 120), y, label, { fg: C.ink2, bg: C.panel, px: 10 });
    }
  },
  ruler(ctx, C, a, b, { view, item }) {
    const colour = item.points[1][1] >= item.points[0][1] ? C.up : C.down;
    fill(ctx, colour, 0.12, a, b);
    const [mx, my] = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
    stroke(ctx, C, [[mx, a[1]], [mx, b[1]]], colour, 1);
    stroke(ctx, C, [[a[0], my], [b[0], my]], colour, 1);
    const { move, by, candles } = measured(view, item.points);
    const y = b[1] + (b[1] < a[1] ? -12 : 12);
    pill(ctx, mx - 60, y, `${move} · ${by} · ${candles}`, { fg: C.ink, bg: C.panel });
  },
};
function handles(ctx, C, points) {
  for (const [x, y] of points) {
    ctx.fillStyle = C.panel;
    ctx.strokeStyle = C.ink;
    ctx.lineWidth = 1.5;
    ctx.beginPath();
    ctx.rect(x - HANDLE, y - HANDLE, HANDLE * 2, HANDLE * 2);
    ctx.fill();
    ctx.stroke();
  }
}
/** Where the keyboard's point stands. */
function cross(ctx, C, [x, y], { width, height }) {
  ctx.strokeStyle = C.ink2;
  ctx.lineWidth = 1;
  ctx.setLineDash([3, 3]);
  path(ctx, [[x, 0], [x, height]]);
  ctx.stroke();
  path(ctx, [[0, y], [width, y]]);
  ctx.stroke();
  ctx.setLineDash([]);
  handles(ctx, C, [[x, y]]);
}
/** Draws `view.drawings`, what is being drawn (`view.draft`), and the keyboard's point (`view.point`). */
export function drawLayer(view) {
  Object.assign(view, { drawings: [], draft: null, picked: null, point: null });
  return new Layer("top", view, (scope, L) =>
    inPixels(scope, (ctx, size) => {
      const { colours: C } = view;
      if (!view.candles.length) return;
      const right = size.width - (view.shown.profile && view.heat ? view.profileWidth : 0);
      for (const item of [...view.drawings, view.draft].filter(Boolean)) {
        const at = ends(item, L);
        if (!at) continue;
        PAINT[item.kind](ctx, C, at[0], at[1], { view, item, right, width: size.width });
        if (item === view.draft || item.id === view.picked) handles(ctx, C, at);
      }
      if (view.point) {
        const [at] = ends({ points: [view.point] }, L) || [];
        if (at) cross(ctx, C, at, size);
      }
    }),
  );
}
