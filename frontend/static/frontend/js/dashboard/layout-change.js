// Changing the arrangement: two panels change places, a column or row gets another size, a panel is hidden.
import { $ } from "../dom.js";
import { apply, layout, panelIn, sizeOf, tellChanged } from "./layout.js";

const LIMITS = { left: [240, 560], right: [280, 640], dock: [120, 640], foot: [120, 640] };
const LEAST_MIDDLE = 420;
const LEAST_ROW = 160;
/** Where one comes to from a place by an arrow. */
export const BESIDE = {
  left: { ArrowRight: "top" },
  top: { ArrowLeft: "left", ArrowRight: "side", ArrowDown: "bottom" },
  bottom: { ArrowLeft: "left", ArrowRight: "foot", ArrowUp: "top" },
  side: { ArrowLeft: "top", ArrowDown: "foot" },
  foot: { ArrowLeft: "bottom", ArrowUp: "side" },
};
/** A size that leaves room for the rest. */
export function bounded(name, size) {
  const [least, most] = LIMITS[name];
  const room =
    name === "left" || name === "right"
      ? $(".desk").clientWidth - LEAST_MIDDLE - sizeOf(name === "left" ? "right" : "left")
      : $(".desk").clientHeight - LEAST_ROW;
  return Math.round(Math.max(least, Math.min(most, room, size)));
}
export const limitsOf = (name) => LIMITS[name];

/** Put two panels into each other's place. */
export function swap(panel, slot) {
  const other = panelIn(slot);
  if (other === panel) return;
  layout.slots = { ...layout.slots, [panel]: slot, [other]: layout.slots[panel] };
  apply();
  tellChanged();
}
export function resize(name, size) {
  layout.sizes = { ...layout.sizes, [name]: bounded(name, size) };
  apply();
  tellChanged();
}
export function showPanel(panel, on) {
  const others = layout.hidden.filter((name) => name !== panel);
  layout.hidden = on ? others : [...others, panel].sort();
  apply();
  tellChanged();
}
