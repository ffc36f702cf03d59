// The dashboard's start: what the server rendered is taken over, then kept live.
import { getJson } from "../api.js";
import { $ } from "../dom.js";
import { pageLive } from "../live.js";
import { startChart } from "./charting.js";
import { SECONDS, asOf, desk, listen, select, setClock, tell } from "./desk.js";
import { startDock } from "./dock.js";
import { failFeed, startFeed } from "./feed.js";
import { startFollowing } from "./follow.js";
import { startHead } from "./head.js";
import { startHealth } from "./health.js";
import { startKeys } from "./keys.js";
import { startLayout } from "./layout.js";
import { startMarkets } from "./markets.js";
import { announce, startPanel } from "./panel.js";

/** What nobody needs for the first look: drawing, layouts, alerts, the palette. */
const startMore = () => import("./more.js").then((more) => more.start(first, live));

const AGAIN_MS = 10_000;
const REFRESH_MS = 60_000;
const MOST_SIGNALS = 100;
const first = JSON.parse($("#first").textContent);

function takeMarkets({ markets, origin }) {
  desk.origin = origin;
  desk.markets = new Map(markets.map((m) => [m.symbol, m]));
}
function takeAddress() {
  const query = new URLSearchParams(location.search);
  if (query.get("tf") in SECONDS) desk.timeframe = query.get("tf");
  if (query.get("tab")) desk.tab = query.get("tab");
  if (/^20\d\d-\d\d-\d\dT\d\d:\d\dZ$/.test(query.get("at"))) desk.at = query.get("at");
}
async function readMarkets() {
  clearTimeout(readMarkets.timer);
  let wait = REFRESH_MS; // slow fields: volume, funding time, liquidated totals
  try {
    takeMarkets(await getJson(asOf("markets")));
    desk.isWhole = true;
    if (!desk.markets.has(desk.symbol) && desk.markets.size) select(desk.markets.keys().next().value);
    tell("markets");
  } catch (error) {
    if (desk.at) {
      desk.markets = new Map(); // prices of now have no place in the past
      tell("markets");
      tell("past-missing", error.message);
      return;
    }
    if (!desk.markets.size) wait = AGAIN_MS; // the ribbon says what is missing; a frame of prices asks sooner
  }
  readMarkets.timer = setTimeout(readMarkets, wait);
}
async function readSignals() {
  try {
    for (const which of ["state=open&", ""]) {
      const { results } = await getJson(asOf(`signals?${which}limit=${MOST_SIGNALS}`));
      for (const signal of results) desk.signals.set(signal.id, signal);
    }
    failFeed("");
    tell("signals");
    tell("chosen");
  } catch (error) {
    failFeed(error.message, readSignals);
  }
}
function takeTickers({ rows }) {
  if (desk.at) return; // the past does not move
  const changed = new Set();
  for (const [symbol, price, change, rate, oiChange, age, mark, interest] of rows) {
    const row = desk.markets.get(symbol);
    if (!row) continue;
    Object.assign(row, {
      price,
      change_24h: change,
      funding_rate: rate,
      oi_change_4h: oiChange,
      age_s: age,
      mark,
      open_interest_usd: interest,
      stale: age > 15,
    });
    changed.add(symbol);
  }
  if (rows.length && !changed.size) readMarkets(); // prices of markets we do not know: the list is new
  tell("prices", changed);
}
function takeSignal({ kind, signal }) {
  if (desk.at) return;
  desk.signals.set(signal.id, signal);
  tell("signals", signal.id);
  announce(kind, signal);
}

/** Another past minute: everything that is known of signals and markets is read for it. */
function lookAgain() {
  desk.signals.clear();
  desk.chosen = null;
  readMarkets();
  readSignals();
}
takeAddress();
desk.symbol = first.symbol;
desk.status = first.status;
if (first.now) setClock(Date.parse(first.now));
if (first.markets) takeMarkets(first.markets);
for (const signal of first.signals) desk.signals.set(signal.id, signal);

const live = pageLive(first.after);
startFollowing(first);
startHealth(live);
startLayout();
startMarkets();
startHead();
startPanel();
startFeed();
startChart(live);
startDock();
startKeys();
if (first.trading) import("./strip.js").then(({ startStrip }) => startStrip(first)); // nobody else needs it
live.subscribe("tickers", takeTickers);
live.subscribe("signals", takeSignal);
listen("at", lookAgain);
live.start();
if (first.markets || desk.at) readMarkets();
else readMarkets.timer = setTimeout(readMarkets, AGAIN_MS);
readSignals();
if (window.requestIdleCallback) requestIdleCallback(startMore, { timeout: 1500 });
else setTimeout(startMore, 300);
