// The strip of open positions above the panes: one line, only while something is open.
import { $, $$, h, icon, put, sideWord } from "../dom.js";
import { modeBadge } from "../modes.js";
import { paint } from "../paint.js";
import { follow, nowR, showLight, showR } from "../trading.js";
import { listen } from "./desk.js";
import { refreshFollowed } from "./follow.js";

const strip = $("[data-strip]");
let held = null;

function build(position) {
  return h(
    "a",
    { class: "strip-row", href: `/account/orders/${position.trade}`, "data-strip-trade": position.trade },
    icon(position.side, "g"),
    h("span", { class: "vh", text: `${sideWord(position.side)} ` }),
    position.base,
    " ",
    h("b", { "data-now-r": "", text: "—" }),
    modeBadge(position.venue),
    h("span", { class: "light", "data-light": "" }),
  );
}
function show() {
  const { positions } = held.state;
  const box = $("[data-strip-rows]", strip);
  const ids = new Set(positions.map((each) => each.trade));
  for (const el of $$("[data-strip-trade]", box)) if (!ids.has(el.dataset.stripTrade)) el.remove();
  for (const position of positions) {
    let el = $(`[data-strip-trade="${position.trade}"]`, box);
    if (!el) box.append((el = build(position)));
    showLight($("[data-light]", el), position, held.now());
    const mark = held.marks.get(position.symbol);
    if (mark !== undefined) showR($("[data-now-r]", el), nowR(position, mark));
  }
  put($("[data-strip-n]", strip), String(positions.length));
  strip.hidden = !positions.length;
}
/** Follow the account, where somebody is signed in. */
export function startStrip(first) {
  if (!strip) return;
  held = follow(
    first.trading,
    (state, before) => {
      paint("strip", show);
      if (state.cursor !== before.cursor) refreshFollowed();
    },
    () => held.state.positions.length && paint("strip", show),
  );
  listen("second", () => held.state.positions.length && paint("strip", show));
}
