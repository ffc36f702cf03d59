// A calculator answers while one types: it asks the server for the part of this page that changes, so that there is
// one implementation of each sum. Without script the form does the same by its button.
import { $, $$ } from "./dom.js";

const WAIT_MS = 180;
const form = $("[data-tool]");
const result = $("[data-result]");
let timer = 0;
let asking = null;

const question = () => new URLSearchParams(new FormData(form)).toString();

/** Say beside each field what is wrong with it, or nothing. */
function showErrors(part) {
  for (const slot of $$("[data-error-of]", form)) {
    const wrong = $(`[data-wrong="${slot.dataset.errorOf}"]`, part);
    slot.replaceChildren(...(wrong ? wrong.childNodes : []));
    for (const input of $$(`[name="${slot.dataset.errorOf}"]`, form)) {
      if (!wrong) {
        input.removeAttribute("aria-invalid");
        continue;
      }
      input.setAttribute("aria-invalid", "true");
      const told = new Set((input.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean));
      input.setAttribute("aria-describedby", [...told.add(slot.id)].join(" "));
    }
  }
}
function show(part) {
  showErrors(part);
  const base = $("[data-units] [data-base]", part)?.textContent;
  for (const unit of $$("[data-base]", form)) unit.textContent = base;
  const answer = $("[data-answer]", part);
  const before = $("[data-answer]", result);
  const worked = $("[data-worked]", answer);
  if (worked) worked.open = $("[data-worked]", before)?.open ?? worked.open;
  before.replaceWith(answer);
  history.replaceState(null, "", answer.dataset.address);
}
async function ask() {
  asking?.abort();
  const mine = (asking = new AbortController());
  result.setAttribute("aria-busy", "true");
  try {
    const reply = await fetch(`${form.dataset.tool}?${question()}`, { signal: mine.signal });
    if (!reply.ok) return;
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    if (!mine.signal.aborted) show(page.body);
  } catch {
    // Offline or overtaken by a newer question: the last answer stays, and the button still works.
  } finally {
    if (asking === mine) result.setAttribute("aria-busy", "false");
  }
}
form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(ask, WAIT_MS);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(timer);
  ask();
});
