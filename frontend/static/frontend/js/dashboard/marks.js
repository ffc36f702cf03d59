// Where signals of the open symbol were issued: a diamond at the middle of each entry zone. Filled while it is open,
// ringed where it won, crossed where it lost, empty where it was never entered. A click shows the signal.
import { getJson } from "../api.js";
import { Layer, inPixels } from "../layers.js";
import { asOf, desk, isOpen, listen, planOf, select } from "./desk.js";

const SIZE = 5;
const NEAR = 9;

function marksOf(symbol) {
  return [...desk.signals.values()]
    .filter((signal) => signal.symbol === symbol)
    .map((signal) => ({ signal, at: Date.parse(signal.issued_at) / 1000, price: planOf(signal).entry }));
}
function diamond(ctx, x, y, r) {
  ctx.beginPath();
  ctx.moveTo(x, y - r);
  ctx.lineTo(x + r, y);
  ctx.lineTo(x, y + r);
  ctx.lineTo(x - r, y);
  ctx.closePath();
}
function paint(ctx, C, signal, x, y) {
  const colour = signal.side === "long" ? C.up : C.down;
  diamond(ctx, x, y, SIZE + 2);
  ctx.fillStyle = C.panel;
  ctx.fill();
  diamond(ctx, x, y, SIZE);
  ctx.lineWidth = 1.5;
  ctx.strokeStyle = ctx.fillStyle = colour;
  if (isOpen(signal) || signal.result_r > 0) ctx.fill();
  ctx.stroke();
  if (signal.result_r > 0) {
    diamond(ctx, x, y, SIZE + 3);
    ctx.stroke();
  } else if (signal.result_r < 0) {
    ctx.beginPath();
    ctx.moveTo(x - SIZE, y - SIZE);
    ctx.lineTo(x + SIZE, y + SIZE);
    ctx.moveTo(x + SIZE, y - SIZE);
    ctx.lineTo(x - SIZE, y + SIZE);
    ctx.stroke();
  }
}
export function marksLayer(view) {
  view.issued = [];
  return new Layer("top", view, (scope, L) =>
    inPixels(scope, (ctx, size) => {
      if (!view.candles.length) return;
      for (const { signal, at, price } of view.issued) {
        if (at < view.candles[0].time) continue;
        const [x, y] = [L.x(view.logical(at)), L.y(price)];
        if (x !== null && y !== null && x > -9 && x < size.width + 9) paint(ctx, view.colours, signal, x, y);
      }
    }),
  );
}
export function startMarks(chart) {
  const layer = marksLayer(chart.view);
  chart.attach("marks", layer);
  const show = () => {
    chart.view.issued = marksOf(desk.symbol);
    layer.refresh();
  };
  const read = async () => {
    show();
    const symbol = desk.symbol;
    try {
      const { results } = await getJson(asOf(`signals?symbol=${symbol}&limit=100`));
      for (const signal of results) if (!desk.signals.has(signal.id)) desk.signals.set(signal.id, signal);
      if (symbol === desk.symbol) show();
    } catch {
      // Those of the feed are shown; the feed itself says when it cannot be read.
    }
  };
  layer.chart.subscribeClick((event) => {
    if (!event.point || !layer.on) return;
    const near = chart.view.issued.find(({ at, price }) => {
      const [x, y] = [layer.x(chart.view.logical(at)), layer.y(price)];
      return x !== null && y !== null && Math.hypot(x - event.point.x, y - event.point.y) <= NEAR;
    });
    if (near) select(desk.symbol, near.signal.id);
  });
  listen(["symbol", "at"], read);
  listen("signals", show);
  read();
}
