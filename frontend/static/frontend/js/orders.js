// Executions and the page of one trade: positions, stop lights, offers and their countdown follow the account.
// Fills and journals are not rewritten under the reader: a link says that there is more.
import { $, $$, h, icon, put } from "./dom.js";
import { fixed, left } from "./format.js";
import { modeBadge } from "./modes.js";
import { paint } from "./paint.js";
import { table } from "./positions.js";
import { firstState, follow, light, rewardNow, sideMark } from "./trading.js";
import { n, t } from "./text.js";

const LOST_MS = 5000;
const SAY_MS = 10_000;
let held = null;
const rows = table($("[data-positions]"), () => held);
const first = firstState();
const said = $("[data-said]");
let spokenAt = -SAY_MS;
let pending = 0;

/** Tell a screen reader politely, at most once in ten seconds. */
function say(words) {
  clearTimeout(pending);
  pending = setTimeout(
    () => {
      spokenAt = performance.now();
      put(said, words);
    },
    Math.max(0, spokenAt + SAY_MS - performance.now()),
  );
}
function troubles(positions) {
  const box = $("[data-troubles]");
  if (!box) return;
  const bad = new Map(
    positions.filter((each) => each.proof === "unconfirmed" || each.proof === "flattening").map((p) => [p.trade, p]),
  );
  for (const el of $$("[data-trouble-of]", box)) if (!bad.has(el.dataset.troubleOf)) el.remove();
  for (const [id, position] of bad) {
    const words =
      position.proof === "unconfirmed"
        ? t("its stop is not confirmed. If that stays so, the position is closed at market.")
        : t("it is being closed at market until it is flat.");
    let el = $(`[data-trouble-of="${id}"]`, box);
    if (!el) {
      el = h(
        "p",
        { class: "note note-bad mt-4", "data-trouble-of": id },
        icon("triangle-alert"),
        h("span", {}, h("strong", { text: `${position.base}:` }), " ", h("span", { "data-words": "" })),
      );
      box.append(el);
    }
    const line = $("[data-words]", el);
    if (line) put(line, words);
  }
}
function offers(state) {
  const list = $("[data-offers]");
  if (!list) return;
  const mine = state.offers.filter((each) => !list.dataset.account || list.dataset.account === each.account);
  const ids = new Set(mine.map((each) => each.trade));
  for (const el of $$("[data-offer]", list)) if (!ids.has(el.dataset.offer)) el.remove();
  for (const offer of mine) {
    if ($(`[data-offer="${offer.trade}"]`, list)) continue;
    list.append(newOffer(offer));
    say(t("Waits for your yes: {side} {base}", { side: offer.side === "long" ? t("long") : t("short"), base: offer.base }));
  }
  $("[data-offers-section]").hidden = !mine.length;
}
function newOffer(offer) {
  const token = document.querySelector("[data-csrf] input").value;
  const act = (name, words, cls) =>
    h(
      "form",
      { method: "post", action: `/account/orders/${offer.trade}/${name}` },
      h("input", { type: "hidden", name: "csrfmiddlewaretoken", value: token }),
      h("button", { class: cls, type: "submit" }, words, h("span", { class: "vh", text: ` ${offer.base}` })),
    );
  return h(
    "li",
    { "data-offer": offer.trade, "data-until": offer.until },
    h("span", { class: "strong" }, h("a", { href: `/account/orders/${offer.trade}`, text: offer.symbol })),
    sideMark(offer.side),
    modeBadge(offer.venue),
    h("span", { class: "ink-2 num grow" }, h("span", { "data-left": "" }), h("span", { "data-reward": "" })),
    act("approve", t("Approve"), "btn btn-primary"),
    act("decline", t("Decline"), "btn"),
  );
}
function countdown() {
  for (const el of $$("[data-offer]")) {
    const ms = Date.parse(el.dataset.until) - held.now();
    if (Number.isNaN(ms)) continue;
    put($("[data-left]", el), ms > 0 ? t("{left} left to answer", { left: left(ms) }) : t("the time to answer is over"));
    for (const button of $$("button", el)) button.disabled = ms <= 0;
  }
}
/** An offer decays: what it would pay is told at the price of now. */
function rewards() {
  for (const offer of held.state?.offers ?? []) {
    const el = $(`[data-offer="${offer.trade}"] [data-reward]`);
    const found = rewardNow(offer, held.marks.get(offer.symbol));
    const words = found === null ? "" : t("reward to risk now {ratio}", { ratio: fixed(found, 1) });
    if (el) put(el, words && `, ${words}`);
  }
}
const shape = (state) => JSON.stringify([state.positions.map((p) => [p.trade, p.quantity, p.stop]), state.cursor]);

function take(state, before) {
  const positions = rows.state();
  put($("[data-n-open]"), String(positions.length));
  const panel = $("[data-positions-panel]");
  panel.hidden = !positions.length;
  const none = $("[data-none-open]");
  if (none) none.hidden = positions.length > 0;
  troubles(positions);
  offers(state);
  const known = new Map((before?.positions ?? []).map((each) => [each.trade, each]));
  for (const position of positions) {
    const was = known.get(position.trade);
    if (was && was.proof !== position.proof)
      say(t("{base}: {words}", { base: position.base, words: light(position, held.now()).words }));
  }
  if (before && before.positions.length !== state.positions.length)
    say(n("{count} position open", "{count} positions open", state.positions.length));
  const newer = $("[data-newer]");
  if (newer && before && shape(before) !== shape(state)) newer.hidden = false;
}
function second() {
  rows.second();
  countdown();
  rewards();
  const silence = held.live.silence();
  const offline = $("[data-offline]");
  if (offline) offline.hidden = document.hidden || held.live.isQuiet || silence === null || silence < LOST_MS;
}
held = follow(first, take, (changed) => paint("positions", () => rows.marks(changed)));
setInterval(second, 1000);
second();
