// Rows of open positions: built from the account's state, kept fresh by prices and the server's clock.
import { $, $$, h, put } from "./dom.js";
import { fixed } from "./format.js";
import { modeBadge } from "./modes.js";
import { away, farWords, nowR, px, showLight, showR, sideMark } from "./trading.js";
import { t } from "./text.js";

const size = (x) => {
  const [whole, part] = String(x).split(".");
  const rest = (part ?? "").replace(/0+$/, "");
  return fixed(whole, 0) + (rest ? `.${rest}` : "");
};
function build(position) {
  const address = `/account/orders/${position.trade}`;
  return h(
    "tr",
    { "data-trade": position.trade },
    h("td", { class: "strong c-a" }, h("a", { href: address, text: position.base }), " ", modeBadge(position.venue)),
    h("td", { class: "c-s" }, sideMark(position.side)),
    h("td", { class: "r x-s", "data-size": "" }),
    h("td", { class: "r x-s", text: px(position.entry, position) }),
    h("td", { class: "r x-s", "data-mark": "", text: "—" }),
    h("td", { class: "r strong c-b", "data-now-r": "", text: "—" }),
    h("td", { class: "r pl x-s", "data-stop": "" }),
    h("td", { class: "r x-s", "data-away": "", text: "—" }),
    h("td", { class: "pl c-c" }, h("span", { class: "light", "data-light": "" })),
    h(
      "td",
      { class: "r c-d" },
      h("a", { class: "btn", href: `${address}/close` }, t("Close"), h("span", { class: "vh", text: ` ${position.base}` })),
    ),
  );
}
/** Keep a table's rows as the state says; returns what to call on a state, on prices and each second. */
export function table(body, held) {
  const rows = new Map($$("tr", body).map((el) => [el.dataset.trade, el]));
  const mine = (position) => !body.dataset.only || body.dataset.only === position.trade;
  const mineAccount = (position) => !body.dataset.account || body.dataset.account === position.account;
  const shown = () => held().state.positions.filter((each) => mine(each) && mineAccount(each));

  function prices(position) {
    const el = rows.get(position.trade);
    const mark = held().marks.get(position.symbol);
    if (!el || mark === undefined) return;
    put($("[data-mark]", el), px(mark, position));
    showR($("[data-now-r]", el), nowR(position, mark));
    put($("[data-away]", el), farWords(away(position, mark)));
  }
  function second() {
    for (const position of shown()) {
      const el = rows.get(position.trade);
      if (el) showLight($("[data-light]", el), position, held().now());
    }
  }
  function state() {
    const positions = shown();
    const ids = new Set(positions.map((each) => each.trade));
    for (const [id, el] of rows) {
      if (ids.has(id)) continue;
      el.remove();
      rows.delete(id);
    }
    for (const position of positions) {
      let el = rows.get(position.trade);
      if (!el) {
        rows.set(position.trade, (el = build(position)));
        body.append(el);
      }
      put($("[data-size]", el), size(position.quantity));
      put($("[data-stop]", el), px(position.stop, position));
      prices(position);
    }
    second();
    return positions;
  }
  const marks = (changed) => {
    for (const position of shown()) if (changed.has(position.symbol)) prices(position);
  };
  return { state, marks, second };
}
