// Elements without markup strings: text is always text.
import { t } from "./text.js";

const SVG = "http://www.w3.org/2000/svg";

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

function fill(el, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") el.textContent = value;
    else if (name.startsWith("on")) el.addEventListener(name.slice(2), value);
    else el.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(3)) if (child !== null && child !== undefined && child !== false) el.append(child);
  return el;
}
/** An HTML element: attributes (`text`, `onclick`, …), then children. */
export const h = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
/** An SVG element. */
export const s = (name, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, name), attributes, children);
/** An icon of the sprite; decoration beside words. */
export const icon = (name, classes = "i") =>
  s("svg", { class: classes, "aria-hidden": "true" }, s("use", { href: `${document.body.dataset.icons}#${name}` }));
export const sideGlyph = (side) => icon(side, `g ${side === "long" ? "up" : "down"}`);
/** A side as it stands in the middle of a sentence. */
export const sideWord = (side) => (side === "long" ? t("long") : t("short"));
/** Set a text only where it differs: no needless layout, no lost selection. */
export function put(el, text) {
  if (el && el.textContent !== text) el.textContent = text;
}
/** Class of a signed number. */
export const tone = (x) => (x > 0 ? "up" : x < 0 ? "down" : "");

/** A note with its cause and, if it can be tried again, the button for it. */
export function note(kind, title, text, retry) {
  return h(
    "div",
    { class: `note note-${kind}`, "data-note": kind },
    icon(kind === "bad" ? "circle-alert" : kind === "warn" ? "triangle-alert" : "info"),
    h(
      "div",
      {},
      h("strong", { text: title }),
      h("p", { text }),
      retry &&
        h(
          "p",
          { class: "mt-2" },
          h("button", { class: "btn", type: "button", onclick: retry }, icon("refresh-cw"), t("Try again")),
        ),
    ),
  );
}
/** Grey boxes where content will stand. */
export const skeleton = (...widths) =>
  h(
    "div",
    { class: "sk-lines", "aria-hidden": "true" },
    widths.map((w) => h("span", { class: `sk sk-w${w}` })),
  );
