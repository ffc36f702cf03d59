// A button that is held for one and a half seconds, or told twice by the keyboard within three. Without script
// it leads to a page that asks once more.
import { $, put } from "./dom.js";
import { t } from "./text.js";

export const HOLD_MS = 1500;
const AGAIN_MS = 3000;

/** Arm a button; `act` runs once, when it was held long enough. */
export function arm(button, act) {
  const words = $("[data-hold-text]", button);
  const idle = t("Hold to flatten all");
  const how = $("[data-hold-how]");
  let timer = 0;
  let armedAt = -AGAIN_MS;
  let isDone = false;
  put(words, idle);
  put(how, t("Press and hold for one and a half seconds, or press Enter twice."));

  function done() {
    isDone = true;
    clearTimeout(timer);
    button.classList.remove("is-holding");
    button.setAttribute("aria-disabled", "true");
    put(words, t("Closing everything"));
    put($("[data-hold-said]"), t("Kill switch thrown: everything is being closed."));
    act();
  }
  function start(event) {
    if (isDone || event.button > 0) return;
    button.classList.add("is-holding");
    put(words, t("Keep holding"));
    clearTimeout(timer);
    timer = setTimeout(done, HOLD_MS);
  }
  function stop() {
    clearTimeout(timer);
    if (isDone || !button.classList.contains("is-holding")) return;
    button.classList.remove("is-holding");
    put(words, idle);
  }
  button.addEventListener("pointerdown", start);
  for (const name of ["pointerup", "pointerleave", "pointercancel"]) button.addEventListener(name, stop);
  button.addEventListener("contextmenu", (event) => event.preventDefault());
  button.addEventListener("click", (event) => event.preventDefault()); // a click is neither held nor told twice
  button.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (isDone || event.repeat || event.key === " ") return;
    if (performance.now() - armedAt < AGAIN_MS) return done();
    armedAt = performance.now();
    put(words, t("Press Enter again"));
    setTimeout(() => isDone || put(words, idle), AGAIN_MS);
  });
}
