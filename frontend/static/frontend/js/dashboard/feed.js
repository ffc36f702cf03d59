// Open and settled signals, newest first; a new or changed one is tinted once.
import { $, $$, h, note, put, sideGlyph, sideWord, tone } from "../dom.js";
import { R, hm, percent } from "../format.js";
import { paint } from "../paint.js";
import { t } from "../text.js";
import { feedMark } from "./follow.js";
import { current, desk, goTo, isOpen, isPhone, listen, openR, priceOf, select, signalList } from "./desk.js";

const WORDS = {
  waiting: t("waiting"),
  in_zone: t("open, in entry zone"),
  filled: t("open"),
  tp1: t("open, TP1 hit"),
  tp2: t("open, TP2 hit"),
  won: t("won"),
  lost: t("stopped"),
  breakeven: t("closed at entry"),
  timed_out: t("time limit"),
  not_entered: t("expired, not entered"),
  void: t("void"),
};
export const stateWords = (signal) => WORDS[signal.state] || signal.state;
const list = $("[data-feed-list]");
const rows = new Map();
const fresh = new Set();
let filter = "all";
let failed = null;

function result(signal) {
  if (isOpen(signal)) {
    const r = openR(signal);
    return r === null ? [t("new"), "ink-3"] : [R(r, 1), tone(Number(r.toFixed(1)))];
  }
  if (signal.result_r === null) return [signal.state === "void" ? t("void") : "—", "ink-3"];
  return [R(signal.result_r, 2), tone(signal.result_r)];
}
function build(signal) {
  const cell = (cls) => h("span", { class: cls });
  const row = { st: cell("st"), c: cell("c"), o: cell("o") };
  row.button = h(
    "button",
    { class: "feed-row num", type: "button", "data-signal-id": signal.id, onclick: () => pick(signal.id) },
    h("span", { class: "t", text: hm(Date.parse(signal.issued_at)) }),
    h("span", { class: "s" }, sideGlyph(signal.side), h("span", { class: "vh", text: `${sideWord(signal.side)} ` }), signal.base),
    row.st,
    row.c,
    row.o,
  );
  row.mark = h("span", { class: "feed-slot" });
  row.el = h("div", { class: "feed-item" }, row.button, row.mark);
  return row;
}
function pick(id) {
  select(desk.signals.get(id).symbol, id);
  if (isPhone.matches) goTo("signal");
}
function write(row, signal) {
  put(row.st, `${signal.timeframe} ${stateWords(signal)}`);
  put(row.c, percent(signal.confidence));
  const [words, cls] = result(signal);
  put(row.o, words);
  row.o.className = `o ${cls}`;
  const shown = current();
  if (shown && shown.id === signal.id) row.button.setAttribute("aria-current", "true");
  else row.button.removeAttribute("aria-current");
  const follows = desk.followed.get(signal.id)?.state ?? signal.state;
  if (row.follows !== follows) {
    row.follows = follows;
    row.mark.replaceChildren(...[feedMark(signal)].filter(Boolean));
  }
  if (fresh.delete(signal.id)) {
    row.button.classList.remove("feed-new");
    void row.button.offsetWidth;
    row.button.classList.add("feed-new");
  }
}
function show() {
  const wanted = signalList().filter((s) => filter === "all" || (filter === "open") === isOpen(s));
  const ids = new Set(wanted.map((s) => s.id));
  for (const [id, row] of rows) {
    if (ids.has(id)) continue;
    row.el.remove();
    rows.delete(id);
  }
  let at = 0;
  for (const signal of wanted) {
    let row = rows.get(signal.id);
    if (!row) rows.set(signal.id, (row = build(signal)));
    write(row, signal);
    if (list.children[at] !== row.el) list.insertBefore(row.el, list.children[at] || null);
    at++;
  }
  while (list.children.length > at) list.lastElementChild.remove();
  if (!wanted.length)
    list.append(
      failed
        ? note("bad", t("The signals could not be read"), failed.text, failed.retry)
        : h("p", { class: "pane-note conf-line", text: why() }),
    );
}
function why() {
  if (desk.status && !desk.status.ready)
    return t("No signals yet: the engine is still warming up. They appear here by themselves.");
  if (filter === "settled")
    return t("No signal has settled yet. Each one settles by the published rule, and stays here.");
  return t("No signal is open. The gates say why; a signal appears here the moment it is issued.");
}
/** Move to the next older (+1) or newer (−1) signal. */
export function stepSignal(by) {
  const all = signalList();
  const shown = current();
  const i = shown ? all.findIndex((s) => s.id === shown.id) + by : 0;
  if (all[i]) select(all[i].symbol, all[i].id);
}
export function failFeed(text, retry) {
  failed = text ? { text, retry } : null;
  show();
}
export function startFeed() {
  for (const b of $$("[data-feed]")) {
    b.addEventListener("click", () => {
      filter = b.dataset.feed;
      for (const x of $$("[data-feed]")) x.setAttribute("aria-pressed", String(x === b));
      show();
    });
  }
  listen("signals", (id) => {
    if (id) fresh.add(id);
    paint("feed", show);
  });
  listen(["chosen", "followed"], show);
  listen("status", () => !rows.size && show());
  listen("prices", (symbols) =>
    paint("feed results", () => {
      for (const [id, row] of rows) {
        const signal = desk.signals.get(id);
        if (isOpen(signal) && symbols.has(signal.symbol) && Number.isFinite(priceOf(signal.symbol))) write(row, signal);
      }
    }),
  );
  show();
}
