// The pointer's half of drawing: setting points with a tool, and taking hold of what is drawn.
import { hit } from "../drawings.js";
import { $ } from "../dom.js";

const FAR = 5; // pixels a press may wander and still be a click

const local = (e) => {
  const at = $("[data-chart]").getBoundingClientRect();
  return [e.clientX - at.left, e.clientY - at.top];
};
/** Press and drag draws in one go; press, move, press draws in two. */
function startSurface({ view, surface, tool, isBegun, pointAt, place, preview, stop }) {
  let down = null;
  surface.addEventListener("pointerdown", (e) => {
    const point = tool() && pointAt(...local(e));
    if (!point) return void (tool() || stop());
    view.point = null;
    down = { x: e.clientX, y: e.clientY, isSecond: isBegun() };
    surface.setPointerCapture(e.pointerId);
    if (!down.isSecond) place(point);
  });
  surface.addEventListener("pointermove", (e) => tool() && preview(pointAt(...local(e))));
  surface.addEventListener("pointerup", (e) => {
    if (!down || !tool()) return;
    const isFar = Math.hypot(e.clientX - down.x, e.clientY - down.y) > FAR;
    const point = pointAt(...local(e));
    if (point && (isFar || down.isSecond)) place(point);
    down = null;
  });
}
/** Take hold of a drawing before the chart takes the press for panning. */
function startGrip({ layer, view, pointAt, tick, refresh, change }) {
  const el = $("[data-chart]");
  let drag = null;
  const least = () => 10 ** -view.decimals;
  el.addEventListener(
    "pointerdown",
    (e) => {
      const [x, y] = local(e);
      const found = layer.on && e.button === 0 ? hit(layer, x, y, el.clientWidth) : null;
      const was = view.picked;
      view.picked = found ? found.item.id : null;
      if (!found) return void (was && refresh());
      drag = { ...found, at: pointAt(x, y), points: found.item.points, before: view.drawings };
      el.setPointerCapture(e.pointerId);
      refresh();
    },
    true,
  );
  for (const name of ["mousedown", "touchstart"])
    el.addEventListener(
      name,
      (e) => {
        if (!drag) return;
        e.stopPropagation();
        if (e.cancelable) e.preventDefault();
      },
      { capture: true, passive: false },
    );
  el.addEventListener("pointermove", (e) => {
    const point = drag && pointAt(...local(e));
    if (!point || !drag.at) return;
    const [dt, dp] = [point[0] - drag.at[0], point[1] - drag.at[1]];
    const moved = ([at, price]) => [at + dt, tick(Math.max(price + dp, least()))];
    const points = drag.points.map((p, i) => (drag.part === 2 ? moved(p) : i === drag.part ? point : p));
    view.drawings = drag.before.map((item) => (item.id === drag.item.id ? { ...item, points } : item));
    layer.refresh();
  });
  el.addEventListener("pointerup", () => {
    if (!drag) return;
    const { before, item } = drag;
    const after = view.drawings;
    drag = null;
    if (after === before) return;
    view.drawings = before;
    change(after, [item.id]);
  });
}
export function startPointer(desk) {
  startSurface(desk);
  startGrip(desk);
}
