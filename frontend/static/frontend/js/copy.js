// Copy the text of an element: `data-copy` names its id. Where the browser refuses, the text is selected.
import { $, put } from "./dom.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const said = $("[data-copied]");
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    put(said, said.dataset.words);
    put($("[data-copy-words]", button), said.dataset.words);
  } catch {
    getSelection().selectAllChildren(source);
    source.focus();
  }
});
