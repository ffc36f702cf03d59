// The page of all components: what moves there moves as in the product, and does nothing.
import { $ } from "./dom.js";
import { arm } from "./hold.js";

arm($("[data-hold]"), () => {});
$("[data-open-sample]").addEventListener("click", () => $("[data-sample-dialog]").showModal());
