// The front door: price and change of the market in the preview, kept live by the topic `tickers`.
import { $, put, tone } from "./dom.js";
import { change, price } from "./format.js";
import { pageLive } from "./live.js";

const at = $("[data-price]");
if (at) {
  const { symbol, decimals } = at.dataset;
  const moved = $("[data-change]");
  const live = pageLive();
  live.subscribe("tickers", ({ rows }) => {
    for (const [name, last, changed] of rows) {
      if (name !== symbol) continue;
      put(at, price(last, Number(decimals)));
      put(moved, change(changed));
      moved.className = `num ${tone(changed)}`;
    }
  });
  live.start();
}
