// Getting started: when a paper trade has ended since, a link says so; its row comes with a new page.
import { $ } from "./dom.js";
import { follow } from "./trading.js";

let done = null; // as it stood at the first frame
follow(null, (state) => {
  done ??= state.paper_done;
  if (state.paper_done !== done) $("[data-newer]").hidden = false;
});
