// Small SVG drawings. Colours come from CSS classes, so themes change without redrawing; no inline styles.
import { h, s } from "./dom.js";
import { R, fixed, percent, signed } from "./format.js";
import { t } from "./text.js";

export function svg(width, height, label, attributes = {}) {
  const named = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  return s("svg", { viewBox: `0 0 ${width} ${height}`, class: "viz", ...named, ...attributes });
}
export const text = (x, y, words, cls = "v-text", anchor = "start") =>
  s("text", { x, y, class: cls, "text-anchor": anchor, text: words });
export const line = (x1, y1, x2, y2, cls) => s("line", { x1, y1, x2, y2, class: cls });

/** Draw at the real width, now and whenever it changes: text keeps its size on every screen. */
export function fit(draw, least = 280) {
  const box = h("div", { class: "fit" });
  let drawn = 0;
  const go = () => {
    const width = Math.max(least, Math.round(box.clientWidth));
    if (!box.clientWidth || width === drawn) return;
    drawn = width;
    box.replaceChildren(draw(width));
  };
  new ResizeObserver(go).observe(box);
  return box;
}
/** Point with whiskers: the mark of every measured value, and of nothing else. */
export function whisker(el, x0, x1, xm, y, { cap = 5, r = 4, faint = false } = {}) {
  const dim = faint ? " v-faint" : "";
  el.append(
    s("path", {
      d: `M${x0} ${y - cap}V${y + cap}M${x0} ${y}H${x1}M${x1} ${y - cap}V${y + cap}`,
      class: "v-measure-l" + dim,
    }),
    s("circle", { cx: xm, cy: y, r, class: "v-measure" + dim }),
  );
}

/** Levels to scale in R; `plan` = {side, entry, stop, zone: [lo, hi], targets: [price]} as numbers. */
export function rRuler(plan, now, W = 336) {
  const sign = plan.side === "long" ? 1 : -1;
  const risk = Math.abs(plan.entry - plan.stop);
  const toR = (p) => (sign * (p - plan.entry)) / risk;
  const targets = plan.targets.map(toR);
  const most = targets[targets.length - 1];
  const [lo, hi, y, H] = [-1.25, most + 0.3, 31, 58];
  const X = (r) => 8 + ((r - lo) / (hi - lo)) * (W - 16);
  const [z0, z1] = plan.zone.map(toR).sort((a, b) => a - b);
  const known = Number.isFinite(now);
  const all = targets.map((r) => fixed(r, 1)).join(", ");
  const label = [
    t("Levels to scale in R. Stop at minus 1, entry zone around 0, targets at {targets}.", { targets: all }),
    ...(known ? [t("Price now at {r} R.", { r: signed(toR(now), 2) })] : []),
  ];
  const el = svg(W, H, label.join(" "));
  el.append(line(8, y, W - 8, y, "v-axis"));
  for (let r = -1; r <= hi; r += 0.25) {
    const whole = Math.abs(r % 1) < 1e-9;
    el.append(line(X(r), y, X(r), y + (whole ? 7 : 3), whole ? "v-tick" : "v-axis"));
  }
  el.append(
    s("rect", { x: X(-1), y: y - 3, width: X(z0) - X(-1), height: 3, class: "v-down-w" }),
    s("rect", { x: X(z1), y: y - 3, width: X(most) - X(z1), height: 3, class: "v-up-w" }),
    s("rect", { x: X(z0), y: y - 9, width: Math.max(3, X(z1) - X(z0)), height: 12, class: "v-zone" }),
    s("path", { d: `M${X(-1)} ${y - 10}V${y + 4}`, class: "v-down-l" }),
  );
  const marks = [[t("Stop"), X(-1)]];
  targets.forEach((r, i) => {
    el.append(s("path", { d: `M${X(r)} ${y - 10}V${y + 4}`, class: "v-up-l" }));
    marks.push([`TP${i + 1}`, X(r)]);
  });
  const xn = known ? X(Math.max(lo, Math.min(hi, toR(now)))) : -99;
  for (const [word, x] of marks) if (Math.abs(x - xn) > 27) el.append(text(x, y - 15, word, "v-text-2", "middle"));
  if (known) {
    el.append(
      s("path", { d: `M${xn} ${y - 1}l-4.5 -7h9z`, class: "v-ink sig-now" }),
      text(Math.max(14, Math.min(W - 14, xn)), y - 15, t("Now"), "v-text-1", "middle"),
    );
  }
  for (let r = -1; r <= most; r++) el.append(text(X(r), y + 20, r === 0 ? t("entry") : R(r, 0), "v-text", "middle"));
  return el;
}
/** The chance with its interval on one scale, break-even beside it. Fractions. */
export function confRuler({ confidence, interval, breakEven, faint }, W = 236) {
  const lo = Math.max(0, Math.min(0.3, Math.floor((interval[0] - 0.02) * 10) / 10));
  const hi = Math.min(1, Math.max(0.8, Math.ceil((interval[1] + 0.02) * 10) / 10));
  const X = (v) => 14 + ((v - lo) / (hi - lo)) * (W - 28);
  const y = 20;
  const crosses = interval[0] <= breakEven;
  const el = svg(
    W,
    40,
    t("Probability {chance}, interval {low} to {high}; break-even {even}.", {
      chance: percent(confidence),
      low: percent(interval[0]),
      high: percent(interval[1]),
      even: percent(breakEven),
    }),
  );
  el.append(line(14, y, W - 14, y, "v-axis"));
  for (let k = Math.round(lo * 20); k <= Math.round(hi * 20); k++) {
    el.append(line(X(k / 20), y, X(k / 20), y + (k % 2 ? 3 : 5), "v-tick"));
    if (k % 2 === 0) el.append(text(X(k / 20), y + 17, percent(k / 20), "v-text", "middle"));
  }
  const xb = X(breakEven);
  el.append(
    line(xb, y - 9, xb, y + 7, crosses ? "v-warn-l" : "v-claim-l"),
    text(Math.max(40, Math.min(W - 44, xb)), y - 12, t("break-even {even}", { even: fixed(breakEven * 100, 0) }), "v-text", "middle"),
  );
  whisker(el, X(interval[0]), X(interval[1]), X(confidence), y - 1, { r: 4.5, faint });
  return el;
}
/** One step of a waterfall; the scale is lo..hi in per cent. */
export function wfBar(from, to, lo, hi, kind) {
  const W = 76;
  const X = (v) => (Math.max(0, v - lo) / (hi - lo)) * W;
  const el = svg(W, 14);
  if (kind === "base") el.append(s("rect", { x: 0, y: 4, width: X(to), height: 6, class: "v-ink3 v-faint" }));
  else if (kind === "total") {
    el.append(
      s("rect", { x: 0, y: 5, width: X(to), height: 4, class: "v-ink3 v-faint" }),
      s("circle", { cx: X(to), cy: 7, r: 4, class: "v-measure" }),
    );
  } else {
    const [a, b] = [Math.min(from, to), Math.max(from, to)];
    el.append(
      line(X(from), 0, X(from), 14, "v-axis"),
      s("rect", { x: X(a), y: 3, width: Math.max(1.5, X(b) - X(a)), height: 8, class: to >= from ? "v-up" : "v-down" }),
    );
  }
  return el;
}
/** Place of a reading in its past, 0..100. */
export function pctBar(v, W = 64) {
  const el = svg(W, 10, t("{place}th percentile", { place: fixed(v, 0) }), { class: "pct", width: W, height: 10 });
  const cls = v > 85 || v < 15 ? "v-ink" : "v-ink3";
  el.append(
    line(0, 5, W, 5, "v-axis"),
    line(W / 2, 2, W / 2, 8, "v-axis"),
    s("circle", { cx: 3 + (v / 100) * (W - 6), cy: 5, r: 3, class: cls }),
  );
  return el;
}
/** A signed length around a middle line. */
export function contrib(v, most = 4, W = 84) {
  const el = svg(W, 10, null, { class: "pct", width: W, height: 10 });
  const width = (Math.min(Math.abs(v), most) / most) * (W / 2);
  el.append(
    line(W / 2, 0, W / 2, 10, "v-tick"),
    s("rect", {
      x: v >= 0 ? W / 2 : W / 2 - width,
      y: 2,
      width: Math.max(v ? 1 : 0, width),
      height: 6,
      class: v >= 0 ? "v-up" : "v-down",
    }),
  );
  return el;
}
