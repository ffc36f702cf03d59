// Words, lights and results of trading: the twin of `templatetags/trading.py` for what changes in a page.
import { h, icon, put, tone } from "./dom.js";
import { R, age, fixed, percent, price } from "./format.js";
import { pageLive } from "./live.js";
import { t } from "./text.js";

const OLD_S = 120; // a stop that was seen longer ago is one to look at
const MOVING = {
  initial: t("Moving to the planned stop"),
  break_even: t("Moving to entry"),
  plus_1r: t("Moving to +1 R"),
  trailing: t("Moving with the price"),
};

/** Side with arrow and word. */
export const sideMark = (side) =>
  h("span", { class: `side side-${side}` }, icon(side, "g"), side === "long" ? t("Long") : t("Short"));

/** Class, icon and words of a stop's light at a moment of the server's clock. */
export function light(position, nowMs) {
  if (position.proof === "verified") {
    const s = position.proof_at ? (nowMs - Date.parse(position.proof_at)) / 1000 : null;
    const words = t("Verified {age} ago", { age: age(s) });
    return { kind: s !== null && s < OLD_S ? "ok" : "wait", icon: "shield-check", words };
  }
  if (position.proof === "moving")
    return { kind: "wait", icon: "hourglass", words: MOVING[position.stop_level] || MOVING.initial };
  if (position.proof === "unconfirmed") {
    const left = position.close_at ? Math.max(0, (Date.parse(position.close_at) - nowMs) / 1000) : null;
    const words = left === null ? t("Unconfirmed") : t("Unconfirmed, {seconds} s left", { seconds: fixed(left, 0) });
    return { kind: "bad", icon: "triangle-alert", words };
  }
  if (position.proof === "flattening") return { kind: "bad", icon: "triangle-alert", words: t("Closing at market") };
  return { kind: "wait", icon: "circle-dashed", words: t("Nothing open") };
}
/** Show a light in its element, touching only what differs. */
export function showLight(el, position, nowMs) {
  const { kind, icon: name, words } = light(position, nowMs);
  el.className = `light light-${kind}`;
  const use = el.querySelector("use");
  const href = `${document.body.dataset.icons}#${name}`;
  if (!use) el.replaceChildren(icon(name), h("span", { "data-light-words": "", text: words }));
  else {
    if (use.getAttribute("href") !== href) use.setAttribute("href", href);
    put(el.querySelector("[data-light-words]"), words);
  }
}
const sign = (position) => (position.side === "long" ? 1 : -1);
/** Result in R of what is still open, at a mark price, before costs; null where it is not known. */
export function nowR(position, mark) {
  const distance = Number(position.r_distance);
  if (!Number.isFinite(mark) || !(distance > 0)) return null;
  return (sign(position) * (mark - Number(position.entry))) / distance;
}
/** What an offer's targets pay for each unit its stop costs, if it were entered at a mark price; null beyond them. */
export function rewardNow(offer, mark) {
  const risk = sign(offer) * (mark - Number(offer.stop));
  if (!offer.stop || !offer.targets.length || !(risk > 0)) return null;
  let whole = 0;
  let paid = 0;
  for (const [price, quantity] of offer.targets) {
    whole += Number(quantity);
    paid += Number(quantity) * sign(offer) * (Number(price) - mark);
  }
  return paid / whole / risk;
}
/** How far the stop is from a mark price, as a fraction of it. */
export const away = (position, mark) =>
  Number.isFinite(mark) && mark > 0 ? (sign(position) * (mark - Number(position.stop))) / mark : null;
export const showR = (el, r) => {
  put(el, R(r, 1));
  el.classList.remove("up", "down");
  const cls = r === null ? "" : tone(Number(r.toFixed(1)));
  if (cls) el.classList.add(cls);
};
export const px = (x, position) => price(x, position.decimals);
export const farWords = (fraction) => percent(fraction, 1);

/**
 * The account's trading state, kept live: first what came with the page, then each frame of `account`. `take`
 * hears (state, before); `clock` is the server's; marks come from `tickers`.
 */
export function follow(first, take, onMarks = () => {}) {
  const live = pageLive();
  const held = { state: first, marks: new Map(), clock: { at: Date.parse(document.body.dataset.now), mark: performance.now() } };
  held.now = () => held.clock.at + performance.now() - held.clock.mark;
  held.live = live;
  live.subscribe("account", (data, frame) => {
    if (frame.at) held.clock = { at: Date.parse(frame.at), mark: performance.now() };
    if (!data.trading) return; // its rows could not be read: what stands here is kept
    const before = held.state;
    held.state = data.trading;
    take(held.state, before);
  });
  live.subscribe("tickers", ({ rows }) => {
    const changed = new Set();
    for (const row of rows) {
      const mark = row[6] ?? row[1];
      if (mark === null) continue;
      held.marks.set(row[0], Number(mark));
      changed.add(row[0]);
    }
    onMarks(changed);
  });
  live.start();
  return held;
}
/** The state that came with the page. */
export function firstState() {
  const found = document.getElementById("trading-state");
  return found ? JSON.parse(found.textContent) : { positions: [], offers: [], bots: [] };
}
