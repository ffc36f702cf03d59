// The signal panel: what to do, how sure we are, why, and what speaks against it. Without a signal: why not.
import { ask } from "../ask.js";
import { $, h, icon, put, sideGlyph, sideWord } from "../dom.js";
import { R, change, fixed, left, parse, percent, price, range } from "../format.js";
import { paint } from "../paint.js";
import { pieces, t } from "../text.js";
import { fit, rRuler } from "../viz.js";
import { current, desk, isOpen, listen, now, planOf, priceOf } from "./desk.js";
import { stateWords } from "./feed.js";
import { followPart } from "./follow.js";
import { refreshGates, showGates } from "./gates.js";
import { confidence, levels, proof, top, waterfall } from "./signal.js";

const ANNOUNCE_MS = 10_000;
const box = $("[data-signal]");
let shown = null; // { signal, parts }

function show(signal) {
  const plan = planOf(signal);
  const parts = { plan };
  parts.ruler = fit((width) =>
    rRuler({ ...plan, targets: plan.targets.map((target) => target.price) }, priceOf(signal.symbol), width),
  );
  parts.ruler.className = "fit ruler-r";
  const [low, high] = signal.strength_interval;
  box.replaceChildren(
    top(signal, parts),
    h(
      "div",
      { class: "sig-scroll sig-live", tabindex: 0, role: "region", "aria-label": t("Signal details") },
      h(
        "div",
        { class: "sig-block" },
        parts.ruler,
        levels(signal, plan, parts),
        h(
          "p",
          { class: "conf-line num mt-1" },
          pieces(t("Reward to risk {ratio}. Expected after costs {interval}."), {
            ratio: h("b", { text: fixed(signal.reward_risk, 2) }),
            interval: h("b", { text: t("{low} to {high}", { low: R(low, 2), high: R(high, 2) }) }),
          }),
          ask("levels"),
        ),
      ),
      confidence(signal),
      h(
        "div",
        { class: "sig-block" },
        h(
          "h3",
          {},
          t("Why {chance}", { chance: percent(signal.confidence) }),
          ask("reasons"),
          h("span", { text: t("percentage points") }),
        ),
        waterfall(signal),
      ),
      h("div", { class: "sig-block" }, h("p", { class: "conf-line", text: signal.invalidation }), proof(signal)),
    ),
    ...[act(signal, plan)].filter(Boolean),
  );
  shown = { signal, parts };
  tick();
  move();
}
/** Its module comes when there is something to reckon; its place is held until then. */
function sizeHelper(signal, plan) {
  const place = h("div", { class: "sizer-place" });
  import("./sizer.js").then(({ sizer }) => place.replaceChildren(sizer(signal, plan)));
  return place;
}
/** What can be done: follow it on paper, reckon a size. */
function act(signal, plan) {
  if (desk.at) return null; // nothing can be done in the past
  const following = followPart(signal);
  if (!following && !isOpen(signal)) return null;
  return h("div", { class: "sig-act", "data-follow": signal.id }, isOpen(signal) && sizeHelper(signal, plan), following);
}
/** What changes each second: time left. */
function tick() {
  if (!shown) return;
  const { signal, parts } = shown;
  if (!isOpen(signal)) return put(parts.expiry, signal.result_r === null ? stateWords(signal) : R(signal.result_r, 2));
  const end = parse(signal.expires_at);
  put(parts.expiry, left(end - now()));
  const share = Math.max(0, Math.min(1, (end - now()) / (end - parse(signal.issued_at))));
  parts.arc.setAttribute("stroke-dasharray", `${share * 56.5} 60`);
}
/** What changes with the price: distances, the zone's word, "Now" on the ruler. */
function move() {
  if (!shown) return;
  const { signal, parts } = shown;
  const px = priceOf(signal.symbol);
  if (!Number.isFinite(px)) return;
  for (const [cell, level] of parts.distances) put(cell, change(level / px - 1));
  const inside = px >= parts.plan.zone[0] && px <= parts.plan.zone[1];
  put(parts.zone, signal.fill_price ? t("entered") : inside ? t("in zone") : isOpen(signal) ? t("waiting") : "");
  const width = parts.ruler.clientWidth;
  if (width)
    parts.ruler.replaceChildren(
      rRuler({ ...parts.plan, targets: parts.plan.targets.map((target) => target.price) }, px, Math.max(280, width)),
    );
}
function bar(signal) {
  const el = $("[data-sigbar]");
  if (!signal) {
    el.replaceChildren(
      h("span", {
        class: "grow",
        text: desk.status && !desk.status.ready ? t("Warming up, no signals yet") : t("No signal for {symbol}", desk),
      }),
      icon("chevron-up"),
    );
    return;
  }
  const px = (x) => price(x, signal.decimals);
  el.replaceChildren(
    h("span", { class: `side side-${signal.side}` }, sideGlyph(signal.side), signal.side === "long" ? t("Long") : t("Short")),
    h(
      "span",
      {},
      h("b", { class: "strong", text: percent(signal.confidence) }),
      h("span", { class: "ink-3", text: `  ${range(signal.interval)}` }),
    ),
    h("span", {
      class: "ink-2 grow r num",
      text: t("Stop {stop} · TP1 {target}", { stop: px(signal.stop), target: px(signal.targets[0].price) }),
    }),
    icon("chevron-up"),
  );
}
function update(isAnew = false) {
  const signal = current();
  bar(signal);
  if (!signal) {
    shown = null;
    return showGates(box);
  }
  if (shown && shown.signal === signal && !isAnew) return;
  const scrolled = shown && shown.signal.id === signal.id ? $(".sig-scroll", box).scrollTop : 0;
  show(signal);
  $(".sig-scroll", box).scrollTop = scrolled;
}

let spokenAt = -ANNOUNCE_MS;
let pending = 0;
/** Tell a screen reader of a new or settled signal, at most once in ten seconds. */
export function announce(kind, signal) {
  if (kind === "changed") return;
  const about = { side: sideWord(signal.side), base: signal.base };
  const end = [stateWords(signal), ...(signal.result_r === null ? [] : [R(signal.result_r, 2)])].join(", ");
  const words =
    kind === "issued"
      ? t("New {side}, {base}, {chance}", { ...about, chance: percent(signal.confidence) })
      : t("Settled: {side} {base}, {end}", { ...about, end });
  clearTimeout(pending);
  pending = setTimeout(
    () => {
      spokenAt = performance.now();
      put($("[data-announce]"), words);
    },
    Math.max(0, spokenAt + ANNOUNCE_MS - performance.now()),
  );
}
export function startPanel() {
  listen(["symbol", "chosen", "ready", "timeframe", "at"], () => update());
  listen("signals", () => paint("panel", () => update()));
  listen("followed", (id) => shown && shown.signal.id === id && update(true));
  listen("status", () => current() || bar(null));
  listen("prices", (symbols) => shown && symbols.has(shown.signal.symbol) && paint("panel prices", move));
  listen("second", () => {
    tick();
    if (!current()) refreshGates(box);
  });
  update();
}
