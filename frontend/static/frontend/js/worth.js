// Is a flat fee worth it: the sums of `frontend/worth.py`. One table of cases tests both
// (tests/frontend/worth_cases.json). No page is needed to import this.

/** What is risked in one trade, the fee in multiples of it, and what each trade has to bring. */
export function sums({ fee, account, riskPercent, trades }) {
  const oneR = (account * riskPercent) / 100;
  const feeR = oneR > 0 ? fee / oneR : Infinity;
  return { oneR, feeR, needed: trades > 0 ? feeR / trades : Infinity };
}
/** How that stands to the measured result. */
export function verdictCode(needed, mean, interval) {
  if (mean === null || !interval) return "few";
  if (needed <= interval[0]) return "above";
  if (needed <= mean) return "likely";
  return needed <= interval[1] ? "unlikely" : "below";
}
/** What a share of profit costs in a month with this return (fractions); nothing without profit. */
export const percentageFee = (account, monthly, share) => Math.max(0, account * monthly * share);

/** A figure as people type it: 5,000 · 5 000 · 0.5 · 0,5. Null where it is none. */
export function typed(words) {
  const bare = words.trim().replace(/[\s\u2009\u202f']/g, "");
  const grouped = /^\d{1,3}(,\d{3})+(\.\d+)?$/.test(bare);
  const x = Number(grouped ? bare.replaceAll(",", "") : bare.replace(",", "."));
  return bare && Number.isFinite(x) && x >= 0 ? x : null;
}
