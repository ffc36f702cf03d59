// The bot page: the kill switch is held, limits say what they mean while they are typed, and mode, pauses and
// the number of open positions follow the account.
import { $, $$, put } from "./dom.js";
import { fixed } from "./format.js";
import { arm } from "./hold.js";
import { follow } from "./trading.js";
import { n } from "./text.js";

const PAUSE_MS = 250;
const box = $("[data-bot]");
const id = box.dataset.bot;

arm($("[data-hold]"), () => $("[data-hold-form]").submit());

const form = $("[data-limits]");
let running = null;
let timer = 0;
const values = () => new URLSearchParams([...new FormData(form)].filter(([name]) => name !== "csrfmiddlewaretoken"));

function fault(name, words) {
  const field = form.elements[name];
  if (field instanceof Element) field.setAttribute("aria-invalid", String(Boolean(words)));
  if (words) {
    const say = $(`[data-say="${name}"]`);
    put(say, words);
    say.classList.add("down");
  }
}
async function preview() {
  running?.abort();
  running = new AbortController();
  try {
    const answer = await fetch(`${box.dataset.preview}?${values()}`, {
      headers: { Accept: "application/json" },
      signal: running.signal,
    });
    const found = await answer.json();
    for (const say of $$("[data-say]")) {
      say.classList.remove("down");
      fault(say.dataset.say, "");
      if (found.sayings) put(say, found.sayings[say.dataset.say] ?? "");
    }
    for (const [name, words] of Object.entries(found.faults ?? {})) if (name) fault(name, words);
  } catch {
    // Replaced by a newer question, or no answer: saving says what is wrong.
  }
}
form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(preview, PAUSE_MS);
});

let pause = null; // as it stood at the first frame: sentences of pauses come with a new page

function show(state) {
  const bot = (state.bots ?? []).find((each) => each.account === id);
  if (!bot) return;
  for (const button of $$("[data-modes] button")) button.setAttribute("aria-pressed", String(button.value === bot.mode));
  pause ??= bot.pause;
  if (bot.pause !== pause) $("[data-newer]").hidden = false;
  const automatic = $("[data-automatic]");
  automatic.setAttribute("aria-checked", String(bot.automatic));
  const open = state.positions.filter((position) => position.account === id).length;
  put(
    $("#kill-why"),
    n(
      "Stops new entries, cancels those that rest and closes the {count} open position of this account at market. Each fill is listed under Executions.",
      "Stops new entries, cancels those that rest and closes all {count} open positions of this account at market. Each fill is listed under Executions.",
      open,
    ),
  );
  if (bot.lost_percent) {
    const limit = Number(form.elements.daily_loss_percent.defaultValue);
    const share = limit > 0 ? Math.min(1, Math.max(0, Number(bot.lost_percent) / limit)) : 0;
    $("[data-meter-bar]").setAttribute("width", fixed(share * 100, 0));
  }
}
follow(null, show);
