// The permission test: its lines come in while the page is open; at the end the page is shown anew.
import { $, put } from "./dom.js";

const list = $("[data-checks]");
const EVERY_MS = 700;
const SLOW_MS = 5000;
const began = Date.now();
const KINDS = { passed: ["pass", "circle-check"], failed: ["fail", "circle-x"] };

function show(check) {
  const row = $(`[data-check="${check.name}"]`, list);
  if (!row || row.dataset.checkState === check.state) return;
  row.dataset.checkState = check.state;
  const [kind, name] = KINDS[check.state] ?? ["wait", "circle-dashed"];
  row.className = `test ${kind}`;
  const use = row.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${name}`));
  put($("p", row), check.sentence);
  put($(".ms", row), check.ms === null ? "" : `${check.ms} ms`);
}
async function look() {
  try {
    const answer = await fetch(list.dataset.checks, { headers: { Accept: "application/json" } });
    const found = await answer.json();
    found.checks.forEach(show);
    put($("[data-test-out]"), found.sentence);
    if (found.state !== "checking") {
      location.reload();
      return;
    }
  } catch {
    // No answer: the next look asks again.
  }
  setTimeout(look, Date.now() - began < 30_000 ? EVERY_MS : SLOW_MS);
}
look();
