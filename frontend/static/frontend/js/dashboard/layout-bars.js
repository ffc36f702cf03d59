// The bars between panels: dragged, or moved by arrow keys.
import { $, h } from "../dom.js";
import { t } from "../text.js";
import { placeBars, sizeOf } from "./layout.js";
import { limitsOf, resize } from "./layout-change.js";

const STEP = 16; // pixels of one arrow key

function bar(name, label) {
  const upright = name === "left" || name === "right";
  const [least, most] = limitsOf(name);
  const el = h("div", {
    class: `bar ${upright ? "bar-v" : "bar-h"}`,
    role: "separator",
    tabindex: 0,
    "data-bar": name,
    "aria-label": label,
    "aria-orientation": upright ? "vertical" : "horizontal",
    "aria-valuemin": least,
    "aria-valuemax": most,
  });
  const grows = { left: "ArrowRight", right: "ArrowLeft", dock: "ArrowUp", foot: "ArrowUp" }[name];
  const shrinks = { left: "ArrowLeft", right: "ArrowRight", dock: "ArrowDown", foot: "ArrowDown" }[name];
  el.addEventListener("keydown", (e) => {
    if (e.key !== grows && e.key !== shrinks) return;
    e.preventDefault();
    resize(name, sizeOf(name) + (e.key === grows ? STEP : -STEP));
  });
  el.addEventListener("pointerdown", (e) => {
    const [start, at] = [sizeOf(name), upright ? e.clientX : e.clientY];
    const sign = name === "left" ? 1 : -1;
    el.setPointerCapture(e.pointerId);
    const move = (m) => resize(name, start + sign * ((upright ? m.clientX : m.clientY) - at));
    el.addEventListener("pointermove", move);
    el.addEventListener("pointerup", () => el.removeEventListener("pointermove", move), { once: true });
    e.preventDefault();
  });
  return el;
}
export function startBars() {
  $(".desk").append(
    bar("left", t("Width of the left column")),
    bar("right", t("Width of the right column")),
    bar("dock", t("Height of the lower middle panel")),
    bar("foot", t("Height of the lower right panel")),
  );
  placeBars();
}
