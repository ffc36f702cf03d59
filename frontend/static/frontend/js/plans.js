// Plans: the reader's own figures, which never leave this page.
import { $, $$, put, s } from "./dom.js";
import { R, fixed, percent, signed } from "./format.js";
import { t } from "./text.js";
import { fit, line, svg, text, whisker } from "./viz.js";
import { percentageFee, sums, typed, verdictCode } from "./worth.js";

const SIZES = [1000, 2500, 5000, 10000, 25000, 50000];
const MOST_WIDE = 760;
const facts = JSON.parse($("#worth-facts").textContent);
const dollars = (x) => `$${fixed(x, 2)}`;

/** What is needed beside what is measured, on one scale in R. */
function worthRuler(needed, mean, interval, width) {
  const ends = [0, ...(interval ?? []), Math.min(needed, 1)];
  const step = Math.max(...ends) > 0.5 ? 0.25 : Math.max(...ends) > 0.2 ? 0.1 : 0.05;
  const lo = Math.floor((Math.min(...ends) - step / 2) / step) * step;
  const hi = Math.ceil((Math.max(...ends) + step / 2) / step) * step;
  const X = (v) => 26 + ((Math.max(lo, Math.min(hi, v)) - lo) / (hi - lo)) * (width - 52);
  const y = 38;
  const measured = mean !== null && { mean: R(mean, 3), low: R(interval[0], 3), high: R(interval[1], 3) };
  const words = [
    t("Needed a trade: {needed}.", { needed: R(needed, 3) }),
    ...(measured ? [t("Measured {mean}, interval {low} to {high}.", measured)] : []),
  ];
  const el = svg(width, 66, words.join(" "));
  el.append(line(26, y, width - 26, y, "v-axis"));
  const count = Math.round((hi - lo) / step);
  for (let k = 0; k <= count; k++) {
    const v = lo + k * step;
    el.append(line(X(v), y, X(v), y + 5, "v-tick"));
    if (width > 420 || k % 2 === 0) el.append(text(X(v), 62, `${fixed(v, 2)} R`, "v-text", "middle"));
  }
  const isOff = needed > hi;
  const anchor = isOff || X(needed) > width - 60 ? "end" : X(needed) < 60 ? "start" : "middle";
  el.append(
    line(X(needed), 18, X(needed), y + 12, "v-ink-l"),
    text(X(needed), 12, isOff ? t("you need more than this") : t("you need"), "v-text-1", anchor),
  );
  if (mean !== null) whisker(el, X(interval[0]), X(interval[1]), X(mean), y, { cap: 7, r: 5 });
  return el;
}
/** Monthly cost by account size: a flat line, and a share of an assumed profit. */
function feeChart(fee, monthly, share, width) {
  const cost = SIZES.map((account) => percentageFee(account, monthly, share));
  const last = cost.length - 1;
  const most = Math.max(2 * fee, cost[last] * 1.08);
  const step = [30, 50, 100, 150, 200, 250, 300, 500, 1000].find((size) => size * 4 >= most) ?? 2500;
  const X = (i) => 60 + (i * (width - 90)) / last;
  const Y = (v) => 14 + ((step * 4 - v) / (step * 4)) * 198;
  const sizes = SIZES.map((size, i) => t("{cost} at {size}", { cost: dollars(cost[i]), size: fixed(size, 0) })).join(", ");
  const said = { fee: dollars(fee), share: percent(share), sizes };
  const label = t("Monthly cost by account size. Flat {fee}. {share} of profit: {sizes}.", said);
  const el = svg(width, 250, label);
  for (let k = 0; k <= 4; k++)
    el.append(
      line(60, Y(k * step), width - 20, Y(k * step), "v-grid"),
      text(52, Y(k * step) + 4, `$${fixed(k * step, 0)}`, "v-text", "end"),
    );
  SIZES.forEach((account, i) => {
    if (width > 420 || i % 2 === 0 || i === last)
      if (width > 420 || i !== last - 1) el.append(text(X(i), 232, fixed(account, 0), "v-text", i === last ? "end" : "middle"));
  });
  el.append(
    text(width - 20, 248, t("account, USDT"), "v-text", "end"),
    s("path", { d: SIZES.map((_, i) => `${i ? "L" : "M"}${X(i)} ${Y(cost[i])}`).join(""), class: "v-ink3-l v-dash" }),
    line(X(0), Y(fee), X(last), Y(fee), "v-ink-l"),
    cost.map((v, i) => s("circle", { cx: X(i), cy: Y(v), r: 3, class: "v-ink3" })).reduce((g, dot) => (g.append(dot), g), s("g")),
    text(X(0) + 6, Y(fee) - 8, t("Flat, {fee}", { fee: dollars(fee) }), "v-text-1"),
    text(X(last) - 4, Math.max(26, Y(cost[last]) - 8), t("{share} of profit, {cost}", { share: percent(share), cost: `$${fixed(cost[last], 0)}` }), "v-text-1", "end"),
  );
  return el;
}

function figures() {
  const read = { account: typed($("#w-acct").value), riskPercent: typed($("#w-risk").value), trades: typed($("#w-n").value) };
  for (const [id, x] of [["#w-acct", read.account], ["#w-risk", read.riskPercent], ["#w-n", read.trades]])
    $(id).setAttribute("aria-invalid", String(!x));
  return read;
}
function showWorth() {
  const read = figures();
  const { oneR, feeR, needed } = sums({ fee: facts.fee, ...read });
  const isKnown = Number.isFinite(needed);
  put($("[data-need]"), isKnown ? t("{needed} a trade", { needed: R(needed, 3) }) : "—");
  put(
    $("[data-fee-r]"),
    isKnown
      ? t("The fee is {fee} R a month for you (1 R = {oneR} USDT).", { fee: fixed(feeR, 2), oneR: fixed(oneR, 2) })
      : t("Put in an account, a risk and a number of trades above zero."),
  );
  const code = verdictCode(needed, facts.mean, facts.interval);
  const verdict = $("[data-verdict]");
  verdict.dataset.code = isKnown ? code : "";
  put(verdict, isKnown ? facts.verdicts[code] : "");
  ruler.hidden = !isKnown;
  if (isKnown) ruler.draw((width) => worthRuler(needed, facts.mean, facts.interval, Math.min(width, MOST_WIDE)));
  showSizes(read);
}
function showSizes({ riskPercent, trades }) {
  if (!riskPercent || !trades) return;
  const read = { risk: fixed(riskPercent, Number.isInteger(riskPercent * 10) ? 1 : 2), trades: fixed(trades, 0) };
  put($("[data-table-case]"), t("At {risk}% risk per trade and {trades} trades a month.", read));
  for (const row of $$("[data-sizes] tbody tr")) {
    const account = Number(row.dataset.account);
    const { oneR, feeR, needed } = sums({ fee: facts.fee, account, riskPercent, trades });
    const word = facts.words[verdictCode(needed, facts.mean, facts.interval)];
    [percent(facts.fee / account, 2), fixed(oneR, 2), fixed(feeR, 2), R(needed, 3), word].forEach((words, i) =>
      put(row.cells[i + 1], words),
    );
  }
}
function showFees() {
  const [monthly, share] = [Number($("#f-ret").value) / 100, Number($("#f-share").value) / 100];
  put($("[data-ret-out]"), signed(monthly * 100, 1, "%"));
  put($("[data-share-out]"), percent(share));
  chart.draw((width) => feeChart(facts.fee, monthly, share, width));
  put(
    $("[data-fee-text]"),
    monthly > 0
      ? t("At {profit} a month the flat fee is cheaper above an account of {account} USDT, and dearer below it.", {
          profit: signed(monthly * 100, 1, "%"),
          account: fixed(facts.fee / (monthly * share), 0),
        })
      : t("In a month without profit a percentage service costs nothing and the flat fee still costs {fee}.", {
          fee: dollars(facts.fee),
        }),
  );
}
/** A box that is drawn at its real width, again whenever that or the figures change. */
function drawing(host) {
  let how = null;
  const draw = (next) => {
    how = next;
    host.replaceChildren(fit(how));
  };
  return { draw, set hidden(is) { host.hidden = is; } };
}
const ruler = drawing($("[data-worth-ruler]"));
const chart = drawing($("[data-fee-chart]"));
for (const id of ["#w-acct", "#w-risk", "#w-n"]) $(id).addEventListener("input", showWorth);
for (const id of ["#f-ret", "#f-share"]) $(id).addEventListener("input", showFees);
for (const el of $$(".only-script")) el.classList.add("has-script");
showWorth();
showFees();
