// The size helper: how much to risk, what that means in base asset, margin and liquidation. It places nothing.
import { h, icon } from "../dom.js";
import { fixed, price, signed } from "../format.js";
import { pieces, t } from "../text.js";

const FEE = 0.0005; // taker, a side
const MAINTENANCE = 0.005; // of notional: an assumption where the exchange's bracket is not shown
const KEEP = "sizer";

function kept() {
  try {
    return { account: 5000, risk: 0.5, leverage: 5, ...JSON.parse(localStorage.getItem(KEEP) || "{}") };
  } catch {
    return { account: 5000, risk: 0.5, leverage: 5 };
  }
}
const number = (text) => {
  const x = Number(String(text).replace(/[,\s]/g, ""));
  return Number.isFinite(x) && x > 0 ? x : null;
};
const stepDecimals = (step) => (String(step).includes(".") ? String(step).replace(/0+$/, "").split(".")[1].length : 0);

/** Arithmetic of one position; `plan` as numbers, `rules` = {step, decimals}. */
export function sizeOf(plan, { account, risk, leverage }, step) {
  const sign = plan.side === "long" ? 1 : -1;
  const budget = (account * risk) / 100;
  const perUnit = Math.abs(plan.entry - plan.stop) + FEE * (plan.entry + plan.stop);
  const quantity = Math.floor(budget / perUnit / step + 1e-9) * step;
  const notional = quantity * plan.entry;
  const gain =
    plan.targets.reduce(
      (sum, to) => sum + to.share * (Math.abs(to.price - plan.entry) - FEE * (plan.entry + to.price)),
      0,
    ) * quantity;
  const liquidation = plan.entry * (1 - sign * (1 / Math.max(1, leverage) - MAINTENANCE));
  return {
    budget,
    quantity,
    notional,
    margin: notional / Math.max(1, leverage),
    loss: -quantity * perUnit,
    gain,
    liquidation,
    isTooMuch: sign * (liquidation - plan.stop) > 0,
  };
}
let last = {};
/** The helper of a signal: while its plan stays the same it is the same element, so that nothing typed is lost. */
export function sizer(signal, plan) {
  const key = JSON.stringify([signal.id, plan]);
  if (last.key !== key) last = { key, el: made(signal, plan) };
  return last.el;
}
function made(signal, plan) {
  const inputs = kept();
  const step = Number(signal.step) || 0.001;
  const out = h("dl", { class: "sizer-out num" });
  const summary = h("span", { class: "grow num" });
  const invalid = h("p", { class: "err", hidden: true, text: t("Account, risk and leverage are numbers above 0.") });
  const field = (key, label, unit) => {
    const input = h("input", {
      class: "input",
      inputmode: "decimal",
      value: String(inputs[key]),
      "aria-label": `${label}, ${unit}`,
    });
    input.addEventListener("input", () => {
      const x = number(input.value);
      input.setAttribute("aria-invalid", String(x === null));
      invalid.hidden = x !== null;
      if (x === null) return;
      inputs[key] = x;
      try {
        localStorage.setItem(KEEP, JSON.stringify(inputs));
      } catch {
        // Private mode: kept until the page is left.
      }
      show();
    });
    return h("label", { class: "field" }, h("span", { text: `${label}, ${unit}` }), input);
  };
  function show() {
    const x = sizeOf(plan, inputs, step);
    const usdt = (v) => `${fixed(v, 2)} USDT`;
    const pair = (name, words, cls = "") => [h("dt", { text: name }), h("dd", { class: cls, text: words })];
    summary.replaceChildren(
      ...pieces(t("Risk {budget} ({percent}%): {quantity}"), {
        budget: h("b", { text: usdt(x.budget) }),
        percent: inputs.risk,
        quantity: h("b", {
          text: x.quantity ? `${fixed(x.quantity, stepDecimals(signal.step))} ${signal.base}` : t("below one step"),
        }),
      }),
    );
    out.replaceChildren(
      ...pair(t("Position"), usdt(x.notional)),
      ...pair(t("Margin at {leverage}×", inputs), usdt(x.margin)),
      ...pair(t("Loss at stop, with fees"), usdt(x.loss), "down"),
      ...pair(t("Gain at all targets"), `${signed(x.gain, 2)} USDT`, "up"),
      ...pair(t("Liquidation, about"), price(x.liquidation, signal.decimals), x.isTooMuch ? "down" : ""),
      ...pair(t("Most leverage for this stop"), `${signal.max_leverage}×`),
    );
    if (x.isTooMuch)
      out.append(
        h("dt", { class: "warn", text: t("Leverage too high") }),
        h("dd", { class: "warn", text: t("liquidated before the stop") }),
      );
  }
  show();
  const chevron = icon("chevron-down", "i i-chev");
  return h(
    "details",
    { class: "sizer", "data-sizer": "" },
    h("summary", {}, icon("calculator"), summary, chevron),
    h(
      "div",
      { class: "sizer-grid" },
      field("account", t("Account"), "USDT"),
      field("risk", t("Risk"), "%"),
      field("leverage", t("Leverage"), "×"),
    ),
    invalid,
    out,
    h("p", {
      class: "lock-note",
      text: t(
        "A calculation, not an order. Fees 0.05% a side, maintenance margin 0.5%; slippage and funding are not in it.",
      ),
    }),
    h(
      "p",
      { class: "lock-note" },
      h("a", { href: `/tools/position-size?signal=${signal.id}`, text: t("With the exchange's own tiers, and the sum shown") }),
    ),
  );
}
