// Lines and columns over time, as SVG.
import { s } from "./dom.js";
import { line, svg, text } from "./viz.js";

const path = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
const PAD = [10, 62, 18, 2];
function frame(W, H, label, lo, hi, yfmt, xlab) {
  const el = svg(W, H, label);
  const [pt, pr, pb, pl] = PAD;
  const Y = (v) => pt + ((hi - v) / (hi - lo || 1)) * (H - pt - pb);
  const grid = (v, cls = "v-grid") => el.append(line(pl, Y(v), W - pr, Y(v), cls), text(W - pr + 6, Y(v) + 4, yfmt(v)));
  for (const [share, words, anchor] of xlab)
    el.append(text(pl + share * (W - pl - pr), H - 3, words, "v-text", anchor || "middle"));
  return { el, Y, grid, left: pl, width: W - pl - pr };
}
/** A line of values over even steps. */
export function lines(W, H, values, { label, yfmt, xlab = [] }) {
  const [lo, hi] = [Math.min(...values), Math.max(...values)];
  const f = frame(W, H, label, lo, hi, yfmt, xlab);
  for (const v of hi > lo ? [lo, (lo + hi) / 2, hi] : [lo]) f.grid(v);
  const points = values.map((v, i) => [f.left + (i / Math.max(1, values.length - 1)) * f.width, f.Y(v)]);
  f.el.append(s("path", { d: path(points), class: "v-ink-l" }));
  return f.el;
}
/** Columns above and below zero. */
export function columns(W, H, values, { label, yfmt, xlab = [] }) {
  const [lo, hi] = [Math.min(0, ...values), Math.max(0, ...values)];
  const f = frame(W, H, label, lo, hi, yfmt, xlab);
  for (const v of [hi, lo]) if (v !== 0) f.grid(v);
  f.grid(0, "v-tick");
  const step = f.width / values.length;
  values.forEach((v, i) =>
    f.el.append(
      s("rect", {
        x: f.left + i * step + 0.5,
        y: v >= 0 ? f.Y(v) : f.Y(0),
        width: Math.max(1, step - 1),
        height: Math.max(0.5, Math.abs(f.Y(v) - f.Y(0))),
        class: v >= 0 ? "v-up" : "v-down",
      }),
    ),
  );
  return f.el;
}
