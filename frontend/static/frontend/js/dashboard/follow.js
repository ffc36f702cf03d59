// Following a signal on paper: the button in panel and feed, and how it went. The server decides; what stands here
// is asked for again whenever the account's journal has grown.
import { ApiError } from "../api.js";
import { $, h, icon, put, tone } from "../dom.js";
import { R, parse } from "../format.js";
import { modeBadge, stateWord } from "../modes.js";
import { t } from "../text.js";
import { desk, isOpen, now, tell } from "./desk.js";

const TIMEOUT_MS = 8000;
let paper = ""; // empty for a visitor, else open or locked
let lock = "";

/** Take what came with the page. */
export function startFollowing(first) {
  paper = first.paper;
  lock = first.paper_lock;
  for (const [id, line] of Object.entries(first.followed)) desk.followed.set(id, line);
}
const isEntering = (signal) => isOpen(signal) && now() < parse(signal.entry.valid_until);

async function send(signal) {
  const answer = await fetch(`/account/follow/${signal.id}`, {
    method: "POST",
    headers: { Accept: "application/json", "X-CSRFToken": $("[data-csrf] input").value },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const found = await answer.json();
  if (!answer.ok) throw new ApiError(answer.status, found.code, found.detail);
  return found;
}
async function follow(signal, button, out) {
  if (button.getAttribute("aria-disabled")) return;
  button.setAttribute("aria-disabled", "true");
  put(out, "");
  try {
    desk.followed.set(signal.id, await send(signal));
    put($("[data-announce]"), t("You follow {base} on paper", { base: signal.base }));
    tell("followed", signal.id);
  } catch (error) {
    button.removeAttribute("aria-disabled");
    put(out, error instanceof ApiError ? error.message : t("The server did not answer. Nothing was followed."));
  }
}
/** Who took the signal, and how it stands: an account takes one once, the bot's included. */
function wordsOf(line) {
  const state = stateWord(line.state);
  return line.how === "bot" ? t("Your paper bot decided on it: {state}", { state }) : t("You follow it: {state}", { state });
}
/** How a followed signal stands: badge, words, result, with the way to its story. */
function standing(line) {
  const words = wordsOf(line);
  const result =
    line.result_r === null ? null : h("b", { class: `num ${tone(line.result_r)}`, text: R(line.result_r, 2) });
  return h(
    "p",
    { class: "row follow", "data-followed": line.state },
    modeBadge(line.venue),
    h("a", { href: `/account/orders/${line.trade}`, title: line.sentence, text: words }),
    result,
  );
}
/** What stands below a signal. */
export function followPart(signal) {
  const line = desk.followed.get(signal.id);
  if (line) return standing(line);
  if (!isEntering(signal)) return null;
  if (!paper)
    return h(
      "p",
      { class: "row follow" },
      h("a", { class: "btn btn-primary grow", href: "/accounts/signup/", text: t("Follow on paper: start the trial") }),
    );
  if (paper === "locked")
    return h(
      "div",
      {},
      h(
        "p",
        { class: "row follow" },
        h(
          "a",
          { class: "btn btn-locked grow", href: "/ai-trading/plans-pricing", "aria-describedby": "follow-why" },
          icon("lock", "i i-s"),
          t("Follow on paper"),
        ),
      ),
      h("p", { class: "lock-note", id: "follow-why", text: lock }),
    );
  const out = h("p", { class: "err", role: "alert" });
  const button = h("button", { class: "btn btn-primary grow", type: "button", "data-follow-button": "" }, t("Follow on paper"));
  button.addEventListener("click", () => follow(signal, button, out));
  return h("div", {}, h("p", { class: "row follow" }, button), out);
}
/** The small mark beside a row of the feed: a button, how it stands, or nothing. */
export function feedMark(signal) {
  const line = desk.followed.get(signal.id);
  if (line) {
    const words = wordsOf(line);
    return h("a", { class: "feed-mark", href: `/account/orders/${line.trade}`, title: words }, icon("check", "i i-s"), h("span", { class: "vh", text: words }));
  }
  if (desk.at || paper !== "open" || !isEntering(signal)) return null;
  const words = t("Follow {base} on paper", { base: signal.base });
  const button = h("button", { class: "feed-mark", type: "button", title: words, "aria-label": words }, icon("plus", "i i-s"));
  button.addEventListener("click", () => follow(signal, button, $("[data-alert]")));
  return button;
}
/** Ask again how followed signals stand, those that have not ended. */
export async function refreshFollowed() {
  const ids = [...desk.followed.values()].filter((line) => !line.is_final).map((line) => line.signal);
  if (!ids.length) return;
  try {
    const answer = await fetch(`/account/followed?signals=${ids.join(",")}`, {
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!answer.ok) return;
    for (const [id, line] of Object.entries((await answer.json()).followed)) {
      const was = desk.followed.get(id);
      desk.followed.set(id, line);
      if (was.state !== line.state || was.result_r !== line.result_r) tell("followed", id);
    }
  } catch {
    // No answer this time: the next frame asks again.
  }
}
