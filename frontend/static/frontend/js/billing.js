// After a payment: ask until the provider's word has arrived, for at most a minute, then let the server say
// how it stands. Being on this page opens nothing.
import { $ } from "./dom.js";

const waiting = $("[data-done='waiting']");
const { state, every, left, after } = waiting.dataset;
const end = performance.now() + Number(left) * 1000;

async function ask() {
  let isOpen = false;
  try {
    const answer = await fetch(state, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(15_000) });
    isOpen = answer.ok && (await answer.json()).open;
  } catch {
    // No answer this time: ask again.
  }
  if (isOpen || performance.now() >= end) location.replace(after);
  else setTimeout(ask, Number(every) * 1000);
}
setTimeout(ask, Number(every) * 1000);
