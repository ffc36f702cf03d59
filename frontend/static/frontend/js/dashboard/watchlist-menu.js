// Choosing, naming and deleting watch-lists; saved by itself for who is signed in.
import { $, h, icon, put } from "../dom.js";
import { t } from "../text.js";
import { readWorkspace, send } from "./keep.js";
import { held, hold, isSignedIn } from "./local.js";
import { sheet } from "./sheet.js";
import { activeList, chooseList, onWatch, takeLists, watch } from "./watchlist.js";

const SAVE_MS = 500;
const MOST = 10;
let timer = 0;

function name() {
  put($("[data-list-name]"), watch.lists.length > 1 ? activeList().name : t("Watchlist"));
}
async function save() {
  try {
    await send("PUT", "/watch-lists", { lists: watch.lists });
  } catch (error) {
    put($("[data-alert]"), t("The watch-list is not saved: {why}", { why: error.message }));
  }
}
function row(list, place) {
  const isNow = list === activeList();
  return h(
    "li",
    { class: "sheet-row" },
    h("button", { class: "linkish grow l", type: "button", "aria-current": isNow ? "true" : null, onclick: () => (chooseList(place), openLists()), text: `${list.name} (${list.symbols.length})${isNow ? `, ${t("shown")}` : ""}` }),
    watch.lists.length > 1 &&
      h("button", { class: "btn-icon", type: "button", "aria-label": t("Delete {name}", list), onclick: () => (takeLists(watch.lists.filter((other) => other !== list), true), openLists()) }, icon("trash")),
  );
}
export function openLists() {
  const input = h("input", { class: "input grow", maxlength: 40, required: true, "aria-label": t("Name of the list"), placeholder: t("Name") });
  const wrong = h("p", { class: "err", role: "alert" });
  const form = h("form", { class: "row", "data-new-list": "" }, input, h("button", { class: "btn btn-primary" }, t("New list")));
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    const wanted = input.value.trim().replace(/\s+/g, " ");
    if (!wanted || watch.lists.some((list) => list.name === wanted)) return put(wrong, t("Take a name that no other list has."));
    if (watch.lists.length >= MOST) return put(wrong, t("At most {count} lists.", { count: MOST }));
    takeLists([...watch.lists, { name: wanted, symbols: [] }], true);
    chooseList(watch.lists.length - 1);
    openLists();
  });
  sheet(t("Watch-lists"), [
    h("p", { class: "conf-line", text: t("The star beside a market puts it on the list that is shown.") }),
    h("ul", { class: "sheet-list" }, watch.lists.map(row)),
    form,
    wrong,
  ]);
}
export async function startLists() {
  onWatch((isOurs) => {
    name();
    if (!isOurs || !isSignedIn()) return;
    clearTimeout(timer);
    timer = setTimeout(save, SAVE_MS);
  });
  $("[data-open-lists]").addEventListener("click", openLists);
  name();
  if (!isSignedIn()) return;
  try {
    const { watch_lists: kept } = await readWorkspace();
    const brought = watch.lists.some((list) => list.symbols.length);
    if (kept.length) takeLists(kept);
    else if (brought) await save(); // what a visitor starred goes along
    if (held("lists", null)) hold("lists", null);
  } catch (error) {
    put($("[data-announce]"), t("Watch-lists could not be read: {why}", { why: error.message }));
  }
}
