// The market list: a grid of which only the rows in sight exist. Rows never move under the pointer.
import { $, $$, h, icon, put, sideGlyph } from "../dom.js";
import { change, funding, price } from "../format.js";
import { paint } from "../paint.js";
import { t } from "../text.js";
import { desk, goTo, isPhone, listen, openSide, select } from "./desk.js";
import { activeList, isWatched, onWatch, toggleWatched } from "./watchlist.js";

const RESORT_MS = 5000;
const SPARE = 6;
const SORTS = {
  base: (m) => m.symbol,
  price: (m) => Number(m.price),
  change_24h: (m) => m.change_24h,
  funding_rate: (m) => m.funding_rate,
  oi_change_4h: (m) => m.oi_change_4h,
};

const grid = $("[data-grid]");
const port = $("[data-view-port]");
const pad = $("[data-pad]");
const rows = new Map(); // symbol → parts of a mounted row
let list = [];
let [filter, query, key, direction] = ["all", "", null, -1];
let pointerInside = false;
let stop = null; // symbol that is in the tab order

const height = () => (isPhone.matches ? 44 : 26);

const watch = (symbol) => toggleWatched(symbol);
function watchChanged() {
  counts();
  if (filter === "star") arrange();
  else for (const part of rows.values()) star(part);
}

/** Bring the list into order: filtered, sorted (missing values last), drawn. */
function arrange() {
  const wanted = (m) =>
    (filter === "all" || (filter === "star" ? isWatched(m.symbol) : openSide(m.symbol))) && m.symbol.includes(query);
  list = [...desk.markets.values()].filter(wanted);
  const value = key ? SORTS[key] : (m) => m.volume_24h;
  list.sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    const [lostX, lostY] = [x === null || Number.isNaN(x), y === null || Number.isNaN(y)];
    if (lostX || lostY) return lostX - lostY;
    return (x > y ? 1 : x < y ? -1 : 0) * direction || (a.symbol > b.symbol ? 1 : -1);
  });
  pad.style.height = `${list.length * height()}px`;
  if (desk.isWhole) grid.setAttribute("aria-rowcount", String(list.length + 1));
  if (!list.some((m) => m.symbol === stop))
    stop = list.some((m) => m.symbol === desk.symbol) ? desk.symbol : list.length ? list[0].symbol : null;
  empty();
  draw();
}
function empty() {
  const words = {
    star: t("No market on your watchlist. Star a market to keep it here."),
    sig: t("No market has an open signal now. Signals appear here as they are issued."),
    all: t("No market matches “{query}”.", { query }),
  };
  const box = $("[data-mk-empty]");
  box.hidden = list.length > 0 || !desk.markets.size; // without markets their boxes stand, and the ribbon says why
  put(box, query ? words.all : words[filter]);
}
function counts() {
  if (!desk.isWhole) return; // the server's own counts stand until all markets are read
  grid.dataset.whole = "";
  put($('[data-count="all"]'), String(desk.markets.size));
  put($('[data-count="star"]'), String(activeList().symbols.filter((s) => desk.markets.has(s)).length));
  put($('[data-count="sig"]'), String([...desk.markets.keys()].filter(openSide).length));
  $("#mk-q").placeholder = t("Search {n} markets", { n: desk.markets.size });
}

function build(m) {
  const cell = (cls = "") => h("div", { role: "gridcell", class: cls });
  const star = h("button", { class: "star", type: "button", tabindex: -1, "aria-label": t("Watch {base}", m) });
  const part = {
    symbol: m.symbol,
    star,
    side: h("span", { class: "row mk-side" }),
    px: cell("px"),
    chg: cell(),
    fund: cell(),
    oi: cell("ink-2"),
  };
  star.addEventListener("click", (e) => {
    e.stopPropagation();
    watch(m.symbol);
  });
  part.el = h(
    "div",
    { class: "mk-row num", role: "row", "data-symbol": m.symbol, onclick: () => choose(m.symbol) },
    h("div", { role: "gridcell" }, star),
    h("div", { role: "gridcell", class: "sym" }, h("span", { text: m.base }), part.side),
    part.px,
    part.chg,
    part.fund,
    part.oi,
  );
  return part;
}
function star(part) {
  const on = String(isWatched(part.symbol));
  if (part.star.getAttribute("aria-pressed") === on) return;
  part.star.setAttribute("aria-pressed", on);
  part.star.replaceChildren(icon(on === "true" ? "star-fill" : "star"));
}
function write(part, m, flash = false) {
  const next = price(m.price, m.decimals);
  const before = part.px.textContent;
  if (before !== next) {
    part.px.textContent = next;
    const [was, is] = [part.last, Number(m.price)];
    if (flash && was && was !== is && !desk.isStale) {
      part.px.classList.remove("flash-up", "flash-down");
      void part.px.offsetWidth; // restart the animation
      part.px.classList.add(is > was ? "flash-up" : "flash-down");
    }
    part.last = is;
  }
  put(part.chg, change(m.change_24h));
  part.chg.className = m.change_24h > 0 ? "up" : m.change_24h < 0 ? "down" : "ink-2";
  put(part.fund, funding(m.funding_rate));
  part.fund.className = m.funding_rate < 0 ? "" : "ink-2";
  put(part.oi, change(m.oi_change_4h, 1));
  part.el.classList.toggle("is-old", m.stale === true);
  const side = openSide(m.symbol);
  if (part.shownSide !== side) {
    part.shownSide = side;
    part.side.replaceChildren(...(side ? [sideGlyph(side), h("span", { class: "vh", text: side === "long" ? t("long signal") : t("short signal") })] : []));
  }
  star(part);
}
/** Mount what is in sight, keep the focused row, drop the rest. */
function draw() {
  if (!pad.dataset.taken && desk.markets.size) {
    pad.replaceChildren(); // the server's first rows have done their work
    pad.dataset.taken = "1";
  }
  const H = height();
  const [from, to] = [
    Math.max(0, Math.floor(port.scrollTop / H) - SPARE),
    Math.min(list.length, Math.ceil((port.scrollTop + port.clientHeight) / H) + SPARE),
  ];
  const keep = new Set();
  list.forEach((m, i) => {
    const mounted = rows.get(m.symbol);
    const focused = mounted && mounted.el.contains(document.activeElement);
    if ((i < from || i >= to) && !focused) return;
    keep.add(m.symbol);
    const part = mounted || build(m);
    if (!mounted) rows.set(m.symbol, part);
    part.el.style.transform = `translateY(${i * H}px)`;
    part.el.setAttribute("aria-rowindex", String(i + 2));
    part.el.setAttribute("aria-selected", String(m.symbol === desk.symbol));
    part.el.tabIndex = m.symbol === stop ? 0 : -1;
    write(part, m);
    if (!part.el.isConnected) pad.append(part.el);
  });
  for (const [symbol, part] of rows) {
    if (keep.has(symbol)) continue;
    part.el.remove();
    rows.delete(symbol);
  }
}
function choose(symbol) {
  stop = symbol;
  select(symbol);
  $(".desk").classList.remove("show-markets");
  $("[data-markets]").setAttribute("aria-expanded", "false");
  if (isPhone.matches) goTo("chart");
}
function move(by) {
  const i = Math.max(0, Math.min(list.length - 1, list.findIndex((m) => m.symbol === stop) + by));
  if (!list[i]) return;
  stop = list[i].symbol;
  const [top, H] = [i * height(), height()];
  if (top < port.scrollTop) port.scrollTop = top;
  else if (top + H > port.scrollTop + port.clientHeight) port.scrollTop = top + H - port.clientHeight;
  draw();
  const part = rows.get(stop);
  if (part) part.el.focus();
}
function onKey(e) {
  const row = e.target.closest(".mk-row");
  if (!row || e.ctrlKey || e.metaKey || e.altKey) return;
  const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15, Home: -1e6, End: 1e6 }[e.key];
  if (by) move(by);
  else if (e.key === "Enter" || e.key === " ") choose(row.dataset.symbol);
  else if (e.key === "w") watch(row.dataset.symbol);
  else return;
  e.preventDefault();
  e.stopPropagation();
}
function sortBy(button) {
  const next = button.dataset.sort;
  direction = key === next ? -direction : next === "base" ? 1 : -1;
  key = next;
  for (const head of $$("[role=columnheader][aria-sort]", grid)) {
    head.setAttribute("aria-sort", head.contains(button) ? (direction > 0 ? "ascending" : "descending") : "none");
  }
  port.scrollTop = 0;
  arrange();
}

export function startMarkets() {
  port.addEventListener("scroll", () => paint("rows", draw), { passive: true });
  addEventListener("resize", arrange);
  pad.addEventListener("keydown", onKey);
  port.addEventListener("pointerenter", () => (pointerInside = true));
  port.addEventListener("pointerleave", () => {
    pointerInside = false;
    if (key && key !== "base") arrange();
  });
  setInterval(
    () => key && key !== "base" && !pointerInside && !pad.contains(document.activeElement) && arrange(),
    RESORT_MS,
  );
  $("#mk-q").addEventListener("input", (e) => {
    query = e.target.value.trim().toUpperCase();
    port.scrollTop = 0;
    arrange();
  });
  for (const b of $$("[data-filter]")) {
    b.addEventListener("click", () => {
      filter = b.dataset.filter;
      for (const x of $$("[data-filter]")) x.setAttribute("aria-pressed", String(x === b));
      port.scrollTop = 0;
      arrange();
    });
  }
  for (const b of $$("[data-sort]")) b.addEventListener("click", () => sortBy(b));
  onWatch(watchChanged);
  const all = () => (counts(), arrange());
  listen("markets", all);
  listen("signals", () => paint("market list", all));
  listen("symbol", () => {
    stop = desk.symbol;
    arrange();
  });
  listen("view", (view) => view === "markets" && arrange());
  listen("prices", (symbols) =>
    paint("prices in rows", () => {
      for (const symbol of symbols) if (rows.has(symbol)) write(rows.get(symbol), desk.markets.get(symbol), true);
    }),
  );
  all();
}
