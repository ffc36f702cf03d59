// Numbers, units and times as people read them. `templatetags/formats.py` is the twin of this file for
// the server's first paint; one table of cases tests both (tests/frontend/format_cases.json).
import { t } from "./text.js";

const MINUS = "\u2212";
const MISSING = "\u2014";
const THIN = "\u2009";
const MONTHS = [
  ...[t("Jan"), t("Feb"), t("Mar"), t("Apr"), t("May"), t("Jun")],
  ...[t("Jul"), t("Aug"), t("Sep"), t("Oct"), t("Nov"), t("Dec")],
];

const known = (x) => x !== null && x !== undefined && x !== "" && Number.isFinite(Number(x));
const grouped = (digits) => digits.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
const two = (n) => String(n).padStart(2, "0");

/** Fixed decimals, thousands by comma, a true minus; zero has no sign. */
export function fixed(x, decimals) {
  if (!known(x)) return MISSING;
  const text = Math.abs(Number(x)).toFixed(decimals);
  const [whole, part] = text.split(".");
  const sign = Number(x) < 0 && Number(text) !== 0 ? MINUS : "";
  return sign + grouped(whole) + (part ? "." + part : "");
}
/** A price at the symbol's tick: always the same number of decimals. */
export const price = (x, decimals) => fixed(x, decimals);
/** A signed number: a plus or a true minus; zero has neither. */
export function signed(x, decimals, unit = "") {
  if (!known(x)) return MISSING;
  const plus = Number(x) > 0 && Number(Number(x).toFixed(decimals)) !== 0 ? "+" : "";
  return plus + fixed(x, decimals) + unit;
}
/** A change, given as a fraction: +1.84%. */
export const change = (fraction, decimals = 2) => (known(fraction) ? signed(fraction * 100, decimals, "%") : MISSING);
/** A share or probability, given as a fraction: 58%. */
export const percent = (fraction, decimals = 0) => (known(fraction) ? fixed(fraction * 100, decimals) + "%" : MISSING);
/** The ends of an interval of fractions: 53–63. */
export const range = (ends, decimals = 0) =>
  ends && known(ends[0]) && known(ends[1])
    ? `${fixed(ends[0] * 100, decimals)}\u2013${fixed(ends[1] * 100, decimals)}`
    : MISSING;
/** A funding rate, given as a fraction: four decimals of a per cent. */
export const funding = (fraction) => (known(fraction) ? fixed(fraction * 100, 4) + "%" : MISSING);
/** A result in multiples of the risk: +1.9 R. */
export const R = (x, decimals = 1) => signed(x, decimals, THIN + "R");
/** Percentage points: +5.1. */
export const points = (x) => signed(x, 1);
export const bps = (x) => (known(x) ? fixed(x, 1) + " bp" : MISSING);
/** Dollars in short: $46.0M, $7.84B. */
export function usd(x) {
  if (!known(x)) return MISSING;
  const size = Math.abs(Number(x));
  const sign = Number(x) < 0 && Number(size.toFixed(0)) !== 0 ? MINUS : "";
  if (size >= 1e9) return `${sign}$${(size / 1e9).toFixed(2)}B`;
  if (size >= 1e6) return `${sign}$${(size / 1e6).toFixed(1)}M`;
  if (size >= 1e3) return `${sign}$${(size / 1e3).toFixed(0)}K`;
  return `${sign}$${size.toFixed(0)}`;
}
/** An age in seconds: 0.4 s, 48 s, 4 min, 3 h, 2 d. */
export function age(seconds) {
  if (!known(seconds)) return MISSING;
  const s = Math.max(0, Number(seconds));
  if (s < 9.95) return `${s.toFixed(1)} s`;
  if (s < 99.5) return `${s.toFixed(0)} s`;
  if (s < 5970) return `${(s / 60).toFixed(0)} min`;
  if (s < 172800) return `${(s / 3600).toFixed(0)} h`;
  return `${(s / 86400).toFixed(0)} d`;
}
/** A duration in milliseconds: 0.42 ms, 12.3 ms, 140 ms, 2.1 s. */
export function duration(ms) {
  if (!known(ms)) return MISSING;
  const x = Math.max(0, Number(ms));
  if (x < 9.995) return `${x.toFixed(2)} ms`;
  if (x < 99.95) return `${x.toFixed(1)} ms`;
  if (x < 999.5) return `${x.toFixed(0)} ms`;
  return `${(x / 1000).toFixed(1)} s`;
}
/** Time left, from milliseconds: 1:42:07, or 42:07 below an hour. */
export function left(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const rest = `${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return s >= 3600 ? `${Math.floor(s / 3600)}:${rest}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}
const at = (ms) => new Date(ms);
export const hm = (ms) => `${two(at(ms).getUTCHours())}:${two(at(ms).getUTCMinutes())}`;
export const hms = (ms) => `${hm(ms)}:${two(at(ms).getUTCSeconds())}`;
export const day = (ms) => `${at(ms).getUTCDate()} ${MONTHS[at(ms).getUTCMonth()]}`;
/** Day and time, saying that it is UTC: 17 Nov 2026, 15:57 UTC. */
export const moment = (ms) => `${day(ms)} ${at(ms).getUTCFullYear()}, ${hm(ms)} UTC`;
/** A count: 1,984. */
export const count = (n) => fixed(n, 0);
export const parse = (iso) => (iso ? Date.parse(iso) : null);
