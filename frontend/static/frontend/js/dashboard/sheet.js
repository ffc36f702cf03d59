// A dialog over the dashboard: focus goes in and comes back, Escape closes; one at a time.
import { h, icon } from "../dom.js";
import { t } from "../text.js";

let open = null;
/** Show a sheet; returns the way to close it. A second call replaces what is shown. */
export function sheet(title, content, { wide = false, name = "" } = {}) {
  if (open) open.remove();
  const close = () => dialog.close();
  const dialog = h(
    "dialog",
    { class: `keys sheet${wide ? " sheet-wide" : ""}`, "aria-labelledby": "sheet-h", "data-sheet": name },
    h(
      "div",
      { class: "row between" },
      h("h2", { id: "sheet-h", text: title }),
      h("button", { class: "btn-icon", type: "button", "aria-label": t("Close"), onclick: close }, icon("x")),
    ),
    h("div", { class: "sheet-body" }, content),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (open === dialog) open = null;
  });
  dialog.addEventListener("click", (e) => e.target === dialog && close());
  open = dialog;
  document.body.append(dialog);
  dialog.showModal();
  return close;
}
