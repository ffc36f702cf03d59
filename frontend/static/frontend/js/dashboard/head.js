// The head of the open symbol: price, change, mark, funding with its countdown, open interest, liquidations.
import { $, put } from "../dom.js";
import { change, fixed, funding, left, price, usd } from "../format.js";
import { paint } from "../paint.js";
import { t } from "../text.js";
import { desk, listen, market, now } from "./desk.js";

const part = (name) => $(`[data-${name}]`);

function show() {
  const m = market();
  put(part("sym"), desk.symbol);
  if (!m) {
    // A past minute of which nothing is kept: what is known of now has no place here.
    if (desk.at) for (const name of ["last", "chg", "mark", "funding", "oi-usd", "oi", "vol", "liq24"]) put(part(name), "—");
    return;
  }
  const px = price(m.price, m.decimals);
  put(part("last"), px);
  const chg = part("chg");
  put(chg, change(m.change_24h));
  chg.className = m.change_24h > 0 ? "up" : m.change_24h < 0 ? "down" : "";
  put(part("mark"), fixed(m.mark, m.decimals));
  put(part("funding"), funding(m.funding_rate));
  put(part("oi-usd"), usd(m.open_interest_usd));
  const oi = part("oi");
  put(oi, change(m.oi_change_4h, 1));
  oi.className = m.oi_change_4h > 0 ? "up" : m.oi_change_4h < 0 ? "down" : "";
  put(part("vol"), usd(m.volume_24h));
  put(part("liq24"), t("L {longs}, S {shorts}", { longs: usd(m.liquidated_long_24h), shorts: usd(m.liquidated_short_24h) }));
  document.title = [`${desk.symbol} ${px}`, t("Dashboard"), "CryptoSystems"].join(" · ");
  count();
}
function count() {
  const m = market();
  const next = m && m.next_funding_at ? Date.parse(m.next_funding_at) : null;
  put(part("fcount"), next ? left(next - now()) : "—");
}
export function startHead() {
  listen(["symbol", "markets"], show);
  listen("prices", (symbols) => symbols.has(desk.symbol) && paint("head", show));
  listen("second", count);
  show();
}
