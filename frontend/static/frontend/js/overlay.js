// The open signal on the chart: zone, stop, targets, from the candle of issue to the right edge.
import { R, fixed } from "./format.js";
import { Layer, inPixels, pill } from "./layers.js";
import { t } from "./text.js";

function stroke(ctx, x0, x1, y, colour, width, dash) {
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.setLineDash(dash);
  ctx.beginPath();
  ctx.moveTo(x0, y);
  ctx.lineTo(x1, y);
  ctx.stroke();
  ctx.setLineDash([]);
}
/** A level line with a halo of the panel's colour, so that it stands on the map. */
function level(ctx, x0, x1, y, colour, width, dash, C) {
  ctx.globalAlpha = 0.55;
  stroke(ctx, x0, x1, y, C.panel, width + 2, []);
  ctx.globalAlpha = 1;
  stroke(ctx, x0, x1, y, colour, width, dash);
}
export function signalLayer(view) {
  const layer = new Layer("top", view, (scope, L) =>
    inPixels(scope, (ctx, size) => {
      const plan = view.plan;
      if (!plan || !view.candles.length) return;
      const { colours: C, small } = view;
      const right = size.width - (view.shown.profile && view.heat ? view.profileWidth : 0);
      const xs = Math.max(0, L.x(Math.max(0, view.logical(plan.issuedS))) ?? 0);
      const [sign, risk, px] = [plan.side === "long" ? 1 : -1, Math.abs(plan.entry - plan.stop), small ? 10 : 11];
      const at = (price) => Math.round(L.y(price)) + 0.5;
      const [top, bottom] = [at(plan.zone[1]), at(plan.zone[0])];
      ctx.fillStyle = C.ink;
      ctx.globalAlpha = 0.13;
      ctx.fillRect(xs, top, right - xs, bottom - top);
      ctx.globalAlpha = 0.75;
      stroke(ctx, xs, right, top, C.ink, 1, []);
      stroke(ctx, xs, right, bottom, C.ink, 1, []);
      ctx.globalAlpha = 1;
      const ends = [top, bottom, at(plan.stop), ...plan.targets.map((t) => at(t.price))];
      ctx.strokeStyle = C.ink2;
      ctx.setLineDash([2, 3]);
      ctx.beginPath();
      ctx.moveTo(xs + 0.5, Math.min(...ends));
      ctx.lineTo(xs + 0.5, Math.max(...ends));
      ctx.stroke();
      ctx.setLineDash([]);
      const stop = t("Stop");
      const taken = [];
      const label = (y, words, colour, must) => {
        if (!must && taken.some((used) => Math.abs(used - y) <= px * 1.5)) return;
        taken.push(y);
        pill(ctx, right - 4, y, words, { fg: colour, bg: C.panel, align: "right", px });
      };
      // Zone and stop always have their words; a target's are left out where they would touch.
      level(ctx, xs, right, at(plan.stop), C.down, 1.25, [4, 3], C);
      const stopY = at(plan.stop) + sign * px * 0.95; // on the side away from the zone
      label(stopY, small ? `${stop} ${R(-1)}` : `${stop} · ${R(-1)}`, C.down, true);
      const middle = (top + bottom) / 2;
      const style = { fg: C.ink, bg: C.panel, px };
      const touches = Math.abs(stopY - middle) <= px * 1.5;
      pill(ctx, touches ? xs + 4 : right - 4, middle, small ? t("Entry") : t("Entry zone"), {
        ...style,
        align: touches ? "left" : "right",
      });
      taken.push(middle);
      plan.targets.forEach((target, i) => {
        level(ctx, xs, right, at(target.price), C.up, 1, [], C);
        const r = R((sign * (target.price - plan.entry)) / risk);
        const share = `${Math.round(target.share * 100)}%`;
        label(at(target.price) - px * 0.95, small ? `TP${i + 1} ${r}` : `TP${i + 1} · ${share} · ${r}`, C.up, false);
      });
    }),
  );
  const tag = (price, colour) => ({
    coordinate: () => layer.series.priceToCoordinate(price) ?? -100,
    text: () => fixed(price, view.decimals),
    textColor: () => view.colours.panel,
    backColor: () => view.colours[colour],
    visible: () => layer.on,
    tickVisible: () => true,
  });
  layer.priceAxisViews = () =>
    view.plan && layer.on ? [...view.plan.targets.map((t) => tag(t.price, "up")), tag(view.plan.stop, "down")] : [];
  // The scale always takes in the stop and the last target.
  layer.autoscaleInfo = () => {
    if (!view.plan || !layer.on) return null;
    const ends = [view.plan.stop, ...view.plan.targets.map((t) => t.price)];
    return { priceRange: { minValue: Math.min(...ends), maxValue: Math.max(...ends) } };
  };
  return layer;
}
