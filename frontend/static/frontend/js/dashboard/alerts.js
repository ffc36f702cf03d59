// Alerts on price, funding and signals. Who is signed in has them on the server, judged whether or not a page is
// open; a visitor's live in this browser and go off while the page stands open.
import { $, h, icon, put } from "../dom.js";
import { fixed, funding, moment, parse } from "../format.js";
import { Layer, inPixels, pill } from "../layers.js";
import { t } from "../text.js";
import { desk, isOpen, listen, market, select } from "./desk.js";
import { readWorkspace, send } from "./keep.js";
import { held, hold, isSignedIn } from "./local.js";
import { sheet } from "./sheet.js";

const MOST = 50;
const TOLD_MS = 12_000;
let chart;
let layer;
let all = []; // as GET /workspace/alerts has them
const told = new Set(held("told", []));

const kinds = () => ({
  price_above: t("Price at or above"),
  price_below: t("Price at or below"),
  funding_above: t("Funding at or above"),
  funding_below: t("Funding at or below"),
  signal: t("Any new signal"),
});
const isPrice = (alert) => alert.kind.startsWith("price");
const decimals = (symbol) => (desk.markets.get(symbol) || { decimals: 2 }).decimals;
function levelWords(alert, value = alert.level) {
  if (alert.kind === "signal") return "";
  return isPrice(alert) ? fixed(value, decimals(alert.symbol)) : funding(value);
}
const words = (alert) => [alert.symbol, kinds()[alert.kind], levelWords(alert)].filter(Boolean).join(" ");

function show() {
  const unseen = all.filter((alert) => alert.fired_at && !alert.is_seen).length;
  const button = $("[data-open-alerts]");
  put($("[data-alert-n]"), unseen ? String(unseen) : "");
  button.classList.toggle("has-news", unseen > 0);
  chart.view.alerts = all.filter((alert) => !alert.fired_at && isPrice(alert) && alert.symbol === desk.symbol);
  layer.refresh();
}
/** Tell of an alert that has gone off: on the page, to screen readers, and by the browser where it may. */
function tellOf(alert) {
  if (told.has(alert.id)) return;
  told.add(alert.id);
  hold("told", [...told].slice(-MOST));
  const text = [words(alert), alert.note].filter(Boolean).join(": ");
  const toast = h(
    "div",
    { class: "toast", role: "status", "data-toast": alert.id },
    icon("bell"),
    h("button", { class: "linkish grow l", type: "button", text, onclick: () => (select(alert.symbol), toast.remove()) }),
    h("button", { class: "btn-icon", type: "button", "aria-label": t("Close"), onclick: () => toast.remove() }, icon("x")),
  );
  $("[data-toasts]").append(toast);
  setTimeout(() => toast.matches(":hover, :focus-within") || toast.remove(), TOLD_MS);
  if (document.hidden && window.Notification && Notification.permission === "granted") new Notification("CryptoSystems", { body: text, tag: alert.id });
}
async function read() {
  if (isSignedIn()) all = (await readWorkspace()).alerts;
  else all = held("alerts", []);
  show();
}
function take(data) {
  if (!data.alerts) return;
  for (const one of data.alerts.unseen) tellOf(one);
  read().catch(() => {}); // the list is read again when it is opened
}

// --- a visitor's own -----------------------------------------------------------------------------
function fires(alert, row) {
  const [price, rate, level] = [Number(row.price), row.funding_rate, Number(alert.level)];
  if (alert.kind === "price_above") return price >= level;
  if (alert.kind === "price_below") return price <= level;
  if (rate === null) return false;
  return alert.kind === "funding_above" ? rate >= level : rate <= level;
}
function judge(symbols) {
  if (isSignedIn() || desk.isStale || desk.at) return;
  for (const alert of all) {
    const row = desk.markets.get(alert.symbol);
    if (alert.fired_at || alert.kind === "signal" || !row || !symbols.has(alert.symbol) || !fires(alert, row)) continue;
    fire(alert, isPrice(alert) ? row.price : row.funding_rate);
  }
}
function fire(alert, value) {
  Object.assign(alert, { fired_at: new Date().toISOString(), fired_value: String(value) });
  hold("alerts", all);
  tellOf(alert);
  show();
}
function judgeSignal(id) {
  const signal = !isSignedIn() && id && desk.signals.get(id);
  if (!signal || !isOpen(signal)) return;
  for (const alert of all)
    if (alert.kind === "signal" && !alert.fired_at && alert.symbol === signal.symbol && Date.parse(signal.issued_at) > Date.parse(alert.market_at)) fire(alert, signal.number);
}
async function add(order) {
  if (isSignedIn()) return void (await send("POST", "/alerts", order));
  const waiting = all.filter((alert) => !alert.fired_at);
  if (waiting.length >= MOST) throw new Error(t("At most {count} alerts wait at a time.", { count: MOST }));
  const made = { ...order, id: crypto.randomUUID(), created_at: new Date().toISOString(), market_at: new Date(desk.clock.at).toISOString(), fired_at: null, fired_value: null, is_seen: false };
  hold("alerts", [made, ...all].slice(0, 2 * MOST));
}
async function remove(alert) {
  if (isSignedIn()) await send("DELETE", `/alerts/${alert.id}`);
  else hold("alerts", all.filter((other) => other.id !== alert.id));
}
async function seen() {
  if (!all.some((alert) => alert.fired_at && !alert.is_seen)) return;
  if (isSignedIn()) await send("POST", "/alerts/seen");
  else hold("alerts", all.map((alert) => ({ ...alert, is_seen: alert.is_seen || Boolean(alert.fired_at) })));
}

// --- the sheet -----------------------------------------------------------------------------------
function row(alert) {
  const state = alert.fired_at
    ? t("went off {time} at {value}", { time: moment(parse(alert.fired_at)), value: alert.kind === "signal" ? t("signal {number}", { number: alert.fired_value }) : levelWords(alert, alert.fired_value) })
    : t("waits");
  return h(
    "li",
    { class: "sheet-row", "data-alert-row": alert.fired_at ? "fired" : "waits" },
    h("span", { class: "grow num" }, h("b", { class: "strong", text: words(alert) }), alert.note ? `  ${alert.note}` : "", h("small", { class: "ink-3", text: `  ${state}` })),
    h("button", { class: "btn-icon", type: "button", "aria-label": t("Delete the alert {what}", { what: words(alert) }), onclick: async () => (await remove(alert), openAlerts()) }, icon("trash")),
  );
}
function form(level) {
  const m = market();
  const last = m ? Number(m.price) : NaN;
  const at = level ?? last;
  const kind = h("select", { class: "input", "aria-label": t("What for") }, Object.entries(kinds()).map(([value, text]) => h("option", { value, text })));
  const field = h("input", { class: "input", inputmode: "decimal", "aria-label": t("Level"), value: Number.isFinite(at) ? at.toFixed(m ? m.decimals : 2) : "" });
  const note = h("input", { class: "input grow", maxlength: 120, "aria-label": t("Note"), placeholder: t("Note") });
  const wrong = h("p", { class: "err", role: "alert" });
  kind.value = at < last ? "price_below" : "price_above";
  kind.addEventListener("change", () => {
    field.hidden = kind.value === "signal";
    if (kind.value.startsWith("funding")) field.value = m && m.funding_rate !== null ? String((m.funding_rate * 100).toFixed(4)) : "0.01";
  });
  const el = h("form", { class: "row", "data-new-alert": "" }, h("b", { class: "strong", text: desk.symbol }), kind, field, note, h("button", { class: "btn btn-primary" }, t("Set alert")));
  el.addEventListener("submit", async (e) => {
    e.preventDefault();
    const value = field.value.trim().replace(/,/g, "").replace("%", "").replace("−", "-");
    const isRate = kind.value.startsWith("funding");
    if (kind.value !== "signal" && !/^-?\d+(\.\d+)?$/.test(value)) return put(wrong, t("The level is a number, such as 61200.5; a funding rate is in per cent, such as 0.01."));
    const number = isRate ? (Number(value) / 100).toFixed(8) : value;
    try {
      await add({ symbol: desk.symbol, kind: kind.value, level: kind.value === "signal" ? null : number, note: note.value.trim() });
      openAlerts();
    } catch (error) {
      put(wrong, error.message);
    }
  });
  return [el, wrong];
}
export async function openAlerts(level = null) {
  const close = sheet(t("Alerts"), [
    ...form(typeof level === "number" ? level : null),
    h("p", { class: "conf-line", text: isSignedIn() ? t("Judged on the server every two seconds, whether or not a page is open. Each goes off once.") : t("Kept in this browser: they go off while this page stands open. Sign in to have them judged on the server.") }),
    window.Notification && Notification.permission === "default" && h("p", {}, h("button", { class: "btn", type: "button", text: t("Also tell me by the browser"), onclick: async () => (await Notification.requestPermission(), close(), openAlerts()) })),
    h("ul", { class: "sheet-list", "data-alerts": "" }),
  ], { name: "alerts" });
  try {
    await read();
    put($("[data-alerts]"), "");
    $("[data-alerts]").replaceChildren(...(all.length ? all.map(row) : [h("li", { class: "conf-line", text: t("No alert is set. Key A sets one at the cursor.") })]));
    await seen();
    await read();
  } catch (error) {
    $("[data-alerts]").replaceChildren(h("li", { class: "err", text: error.message }));
  }
}
function alertLayer(view) {
  view.alerts = [];
  return new Layer("top", view, (scope, L) =>
    inPixels(scope, (ctx, size) => {
      for (const alert of view.alerts) {
        const y = L.y(Number(alert.level));
        if (y === null) continue;
        ctx.strokeStyle = view.colours.ink2;
        ctx.setLineDash([6, 4]);
        ctx.beginPath();
        ctx.moveTo(0, y);
        ctx.lineTo(size.width, y);
        ctx.stroke();
        ctx.setLineDash([]);
        pill(ctx, 6, y, t("Alert {price}", { price: levelWords(alert) }), { fg: view.colours.ink, bg: view.colours.panel, px: 10 });
      }
    }),
  );
}
/** Set one at the cursor, else at the price now. */
export const alertHere = () => openAlerts(chart.view.cursor ?? null);
export function startAlerts(made, live) {
  chart = made;
  layer = alertLayer(chart.view);
  chart.attach("alerts", layer);
  $("[data-open-alerts]").addEventListener("click", () => openAlerts());
  listen("symbol", show);
  listen("prices", judge);
  listen("signals", judgeSignal);
  if (isSignedIn()) live.subscribe("account", take);
  read().catch(() => show());
}
