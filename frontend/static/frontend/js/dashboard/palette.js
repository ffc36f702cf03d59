// The command palette: markets and everything the dashboard can do, found by a few letters. Ctrl K opens it.
import { $, $$, h } from "../dom.js";
import { t } from "../text.js";
import { desk, goTo, isPhone, select, setTimeframe } from "./desk.js";
import { sheet } from "./sheet.js";

const SHOWN = 12;
const FRAMES = ["1m", "5m", "15m", "1h", "4h", "1d"];
let more = [];

/** What can be done: a name, how, and the key that does the same. */
function commands() {
  const press = (selector) => () => $(selector).click();
  return [
    ...FRAMES.map((frame, i) => ({ name: t("Timeframe {frame}", { frame }), act: () => setTimeframe(frame), key: String(i + 1) })),
    ...$$("[data-layer]").map((b) => ({ name: t("Layer: {name}", { name: b.textContent.trim() }), act: () => b.click(), key: (b.getAttribute("aria-keyshortcuts") || "").toUpperCase() })),
    ...$$("[data-tab]").map((b) => ({ name: t("Tab: {name}", { name: b.textContent.trim() }), act: () => b.click(), key: "" })),
    ...$$("[data-tool]").map((b) => ({ name: t("Draw: {name}", { name: b.textContent.trim() }), act: () => b.click(), key: "" })),
    { name: t("Chart as a table"), act: press("[data-table]"), key: "" },
    { name: t("Keys"), act: () => $("[data-keys]").showModal(), key: "?" },
    ...more,
  ];
}
/** Letters in order, the closer together and the nearer to the start the better; -1: not in it. */
export function score(name, query) {
  const [text, letters] = [name.toLowerCase(), query.toLowerCase().replace(/\s+/g, "")];
  let [at, gaps] = [-1, 0];
  for (const letter of letters) {
    const next = text.indexOf(letter, at + 1);
    if (next < 0) return -1;
    if (at >= 0) gaps += next - at - 1;
    else gaps += next / 2;
    at = next;
  }
  return gaps;
}
function found(query) {
  const markets = [...desk.markets.values()].map((m) => ({ name: m.symbol, act: () => (select(m.symbol), isPhone.matches && goTo("chart")), key: t("market"), volume: m.volume_24h || 0 }));
  if (!query) return [...commands()].reverse().slice(0, SHOWN);
  return [...commands(), ...markets]
    .map((one) => ({ ...one, score: score(one.name, query) }))
    .filter((one) => one.score >= 0)
    .sort((a, b) => a.score - b.score || (b.volume || 0) - (a.volume || 0))
    .slice(0, SHOWN);
}
export function openPalette() {
  let [items, place] = [[], 0];
  const list = h("ul", { class: "palette", role: "listbox", id: "palette-list", "aria-label": t("Commands and markets") });
  const input = h("input", { class: "input", type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list", "aria-label": t("Command or market"), placeholder: t("Command or market"), autocomplete: "off", spellcheck: "false", "data-palette": "" });
  const close = sheet(t("Commands"), [input, list], { name: "palette" });
  const run = (item) => {
    close();
    if (item) item.act();
  };
  const mark = () => {
    [...list.children].forEach((el, i) => el.setAttribute("aria-selected", String(i === place)));
    input.setAttribute("aria-activedescendant", items.length ? `palette-${place}` : "");
    if (list.children[place]) list.children[place].scrollIntoView({ block: "nearest" });
  };
  const show = () => {
    [items, place] = [found(input.value.trim()), 0];
    list.replaceChildren(...items.map((item, i) => h("li", { role: "option", id: `palette-${i}`, onclick: () => run(item) }, h("span", { class: "grow", text: item.name }), item.key && h("kbd", { class: "kbd", text: item.key }))));
    if (!items.length) list.append(h("li", { class: "ink-3", text: t("Nothing of this name.") }));
    mark();
  };
  input.addEventListener("input", show);
  input.addEventListener("keydown", (e) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (by && items.length) place = (place + by + items.length) % items.length;
    else if (e.key === "Enter") return run(items[place]);
    else return;
    e.preventDefault();
    mark();
  });
  show();
  input.focus();
}
export function startPalette(others) {
  more = others;
  addEventListener("keydown", (e) => {
    if ((e.ctrlKey || e.metaKey) && !e.shiftKey && !e.altKey && e.key.toLowerCase() === "k") {
      e.preventDefault();
      openPalette();
    }
  });
  $("[data-open-palette]").addEventListener("click", openPalette);
}
