// Where the reader stands, in the header of every page: counted down on the server's time, changed by the
// frames of the topic `account`. The twin of `frontend/standing.py`.
import { $, put } from "./dom.js";
import { pageLive } from "./live.js";
import { n, t } from "./text.js";

const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];

/** What is left of a trial: days rounded up, on the last day hours, then minutes. */
export function trialWords(ms) {
  if (ms <= 0) return t("Trial ended");
  if (ms > DAY) {
    const days = Math.ceil(ms / DAY);
    return n("Trial, {count} day left", "Trial, {count} days left", days);
  }
  if (ms > HOUR) return t("Trial, {hours} h left", { hours: Math.ceil(ms / HOUR) });
  return t("Trial, {minutes} min left", { minutes: Math.ceil(ms / MINUTE) });
}
/** Words, kind and banner of a state with `ms` left. */
export function standing({ state, sentence }, ms) {
  if (state === "trial" && ms !== null) return { words: trialWords(ms), isWarning: ms <= DAY, banner: "" };
  if (state === "ended" || state === "demo") return { words: t("Demo"), isWarning: false, banner: "" };
  if (state === "staff") return { words: t("Staff"), isWarning: false, banner: "" };
  if (state === "grace") return { words: t("Payment failed"), isWarning: true, banner: sentence };
  if (state === "close_only") return { words: t("Payment owed"), isWarning: true, banner: sentence };
  return { words: "", isWarning: false, banner: "" };
}

const { state, until, now } = document.body.dataset;
const held = { state, until: Date.parse(until), sentence: $("[data-banner-text]")?.textContent ?? "" };
let clock = { at: Date.parse(now), mark: performance.now() };
const serverNow = () => clock.at + performance.now() - clock.mark;

function show() {
  const { words, isWarning, banner } = standing(held, Number.isNaN(held.until) ? null : held.until - serverNow());
  const tag = $("[data-standing]");
  put(tag, words);
  tag.hidden = !words;
  tag.classList.toggle("tag-warn", isWarning);
  const ribbon = $("[data-banner]");
  ribbon.hidden = !banner;
  if (banner) put($("[data-banner-text]"), banner);
}
function take(data, frame) {
  if (!data.state) return; // another kind of account news
  if (frame.at) clock = { at: Date.parse(frame.at), mark: performance.now() };
  const isNew = data.state !== held.state;
  Object.assign(held, { state: data.state, until: Date.parse(data.until), sentence: data.sentence ?? "" });
  document.body.dataset.state = data.state;
  show();
  if (isNew) document.dispatchEvent(new CustomEvent("standingchange", { detail: data }));
}
if (state) {
  const live = pageLive();
  live.subscribe("account", take);
  live.start();
  setInterval(show, 1000);
}
