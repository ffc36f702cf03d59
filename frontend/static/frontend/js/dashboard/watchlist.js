// Lists of markets to keep an eye on: in this browser for a visitor, on the server for who is signed in.
import { held, hold, isSignedIn } from "./local.js";

const OLD = "watch"; // one list without a name, as it was kept before there were several
const MOST_WATCHED = 300;

function stored() {
  const lists = held("lists", null);
  if (Array.isArray(lists) && lists.length) return lists.map((list) => ({ name: list.name, symbols: [...list.symbols] }));
  let symbols = [];
  try {
    symbols = JSON.parse(localStorage.getItem(OLD) || "[]");
  } catch {
    // Nothing usable is kept: the list begins empty.
  }
  return [{ name: "Watchlist", symbols: Array.isArray(symbols) ? symbols : [] }];
}
export const watch = { lists: stored(), active: 0 };
const takers = new Set();
/** Be told when a list or the choice of one has changed; `isOurs` where somebody did it here. */
export const onWatch = (take) => takers.add(take);
function changed(isOurs) {
  if (!isSignedIn()) hold("lists", watch.lists);
  for (const take of takers) take(isOurs);
}
export const activeList = () => watch.lists[watch.active] || watch.lists[0];
export const isWatched = (symbol) => activeList().symbols.includes(symbol);
export function toggleWatched(symbol) {
  const list = activeList();
  if (list.symbols.includes(symbol)) list.symbols = list.symbols.filter((other) => other !== symbol);
  else if (list.symbols.length < MOST_WATCHED) list.symbols = [...list.symbols, symbol];
  changed(true);
}
export function chooseList(place) {
  watch.active = Math.max(0, Math.min(place, watch.lists.length - 1));
  changed(false);
}
/** Replace all lists: by what the server keeps, or by a change somebody made. */
export function takeLists(lists, isOurs = false) {
  watch.lists = lists.length ? lists : [{ name: "Watchlist", symbols: [] }];
  watch.active = Math.min(watch.active, watch.lists.length - 1);
  changed(isOurs);
}
