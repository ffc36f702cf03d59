// What the dashboard shows: one symbol, one timeframe, the markets and the signals it knows of. Components
// listen to names of changes; nobody calls another component.
import { $$ } from "../dom.js";

export const SECONDS = { "1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 14400, "1d": 86400 };
const OPEN = new Set(["waiting", "in_zone", "filled", "tp1", "tp2"]);
const DECIDED = new Set(["15m", "1h", "4h"]);
const DEFAULTS = { tf: "15m", tab: "factors" };

export const desk = {
  symbol: "",
  timeframe: "15m",
  tab: "factors",
  origin: "",
  markets: new Map(), // symbol → row of GET /markets, kept fresh by the topic `tickers`
  isWhole: false, // whether `markets` holds all, or only what came with the page
  signals: new Map(), // id → Signal
  followed: new Map(), // id of a signal → how the reader's paper trade of it stands
  chosen: null, // id of a signal that was picked in the feed
  status: null,
  charts: [], // further charts beside the first: { symbol, timeframe }
  gatesAt: "", // a past minute of the gates tab alone
  at: "", // a past minute that is looked at as it was then known; empty: now
  isStale: false,
  clock: { at: Date.now(), since: performance.now(), speed: 1 },
};
const listeners = new Map();
export function listen(names, take) {
  for (const name of [names].flat()) listeners.set(name, [...(listeners.get(name) || []), take]);
}
export function tell(name, what) {
  for (const take of listeners.get(name) || []) take(what);
}

/** The market's time in milliseconds: the server's, carried on by the browser, never the device's clock alone. */
export const now = () =>
  desk.at ? Date.parse(desk.at) : desk.clock.at + (performance.now() - desk.clock.since) * desk.clock.speed;
/** The market's time whatever is looked at. */
export const marketNow = () => desk.clock.at + (performance.now() - desk.clock.since) * desk.clock.speed;
export function setClock(atMs, speed = desk.clock.speed) {
  desk.clock = { at: atMs, since: performance.now(), speed };
}

/** Whether the engine can answer about markets at all, and about their scores. */
export const hasMarkets = () => desk.markets.size > 0 || Boolean(desk.at); // the past is read from rows
export const hasScores = () => hasMarkets() && !(desk.status && !desk.status.model);
export const warmingText = () => (desk.status && desk.status.warming ? desk.status.warming.text : null);
export const market = () => desk.markets.get(desk.symbol);
export const priceOf = (symbol) => {
  const row = desk.markets.get(symbol);
  return row && row.price !== null ? Number(row.price) : NaN;
};
export const isOpen = (signal) => OPEN.has(signal.state);
/** Newest first. */
export const signalList = () => [...desk.signals.values()].sort((a, b) => b.number - a.number);
/** The signal of the panel: the one picked, else the strongest open one of the symbol. */
export function current() {
  const picked = desk.chosen && desk.signals.get(desk.chosen);
  if (picked && picked.symbol === desk.symbol) return picked;
  const open = signalList().filter((s) => s.symbol === desk.symbol && isOpen(s));
  return open.sort((a, b) => b.strength - a.strength)[0] || null;
}
export function openSide(symbol) {
  for (const signal of desk.signals.values()) if (signal.symbol === symbol && isOpen(signal)) return signal.side;
  return null;
}
/** The timeframe that is judged: the chart's, where signals are made on it, else one hour. */
export const judged = () => {
  const signal = current();
  if (signal) return signal.timeframe;
  return DECIDED.has(desk.timeframe) ? desk.timeframe : "1h";
};
/** A signal's levels as numbers, for drawing and arithmetic. */
export function planOf(signal) {
  const zone = [Number(signal.entry.low), Number(signal.entry.high)];
  const targets = signal.targets.map((t) => ({ ...t, price: Number(t.price) }));
  return {
    side: signal.side,
    zone,
    entry: (zone[0] + zone[1]) / 2,
    stop: Number(signal.stop),
    targets,
    issuedS: Date.parse(signal.issued_at) / 1000,
  };
}
/** Result of an open, entered signal at the price now, in R before costs; null while not entered. */
export function openR(signal) {
  const price = priceOf(signal.symbol);
  if (!isOpen(signal) || !signal.fill_price || !Number.isFinite(price)) return null;
  const plan = planOf(signal);
  return ((signal.side === "long" ? 1 : -1) * (price - Number(signal.fill_price))) / Math.abs(plan.entry - plan.stop);
}

/** A path of the API, asked as of the past minute that is looked at. */
export const asOf = (path) => (desk.at ? `${path}${path.includes("?") ? "&" : "?"}at=${desk.at}` : path);
/** Look at a past minute as it was then known; one comes back to now by loading the page anew. */
export function lookBack(at) {
  if (at === desk.at) return;
  desk.at = at;
  keepAddress();
  tell("at");
}
function keepAddress() {
  const query = new URLSearchParams({ symbol: desk.symbol });
  if (desk.timeframe !== DEFAULTS.tf) query.set("tf", desk.timeframe);
  if (desk.tab !== DEFAULTS.tab) query.set("tab", desk.tab);
  if (desk.at) query.set("at", desk.at);
  history.replaceState(null, "", `?${query}`);
}
/** Show another symbol, and if given one of its signals. */
export function select(symbol, signalId = null) {
  const same = symbol === desk.symbol;
  desk.symbol = symbol;
  desk.chosen = signalId;
  keepAddress();
  if (!same) tell("symbol");
  tell("chosen");
}
export function setTimeframe(timeframe) {
  if (timeframe === desk.timeframe) return;
  desk.timeframe = timeframe;
  keepAddress();
  tell("timeframe");
}
export function setTab(tab) {
  desk.tab = tab;
  keepAddress();
  tell("tab");
}
/** On a phone one view is shown at a time. */
export function goTo(view) {
  document.body.dataset.view = view;
  for (const b of $$(".bottomnav [data-goto]")) b.setAttribute("aria-current", String(b.dataset.goto === view));
  scrollTo(0, 0);
  tell("view", view);
}
export const isPhone = matchMedia("(max-width: 860px)");
