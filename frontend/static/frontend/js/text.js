// Texts for people: English stands in the code and is the key of its translation. A page in another language
// carries the translations of all modules (`frontend/texts.py`); without them everything stays English.
function carried() {
  const found = typeof document === "undefined" ? null : document.getElementById("texts");
  return found ? JSON.parse(found.textContent) : { texts: {}, plural: "" };
}
const { texts, plural } = carried();

const written = (text, values) =>
  values ? text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? String(values[name]) : all)) : text;

/** A text in the page's language; `{name}` stands for a value. */
export const t = (text, values) => written(texts[text] ?? text, values);

/** The form of a text that goes with a count, which it may name as `{count}`. */
export function n(one, many, count, values) {
  const forms = texts[one];
  // The table has 200 counts: which form is right depends on no more than the last two digits.
  const form = Array.isArray(forms) && forms[Number(plural[count < 200 ? count : 100 + (count % 100)])];
  return written(form || (count === 1 ? one : many), { count, ...values });
}

/** The pieces of a text whose `{name}` stands for an element: words and elements, in the language's order. */
export const pieces = (text, elements) =>
  text.split(/(\{\w+\})/).map((part) => (part.startsWith("{") ? (elements[part.slice(1, -1)] ?? part) : part));
