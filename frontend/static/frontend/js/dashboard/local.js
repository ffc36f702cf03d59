// What this browser keeps of a workspace, and whether it is kept on the server as well.
import { $ } from "../dom.js";

/** The proof that a change comes from this page; nobody has one who is not signed in. */
export const token = () => ($("[data-csrf] input") || {}).value;
export const isSignedIn = () => Boolean(token());

/** Read something this browser keeps. */
export function held(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(`desk:${name}`)) ?? otherwise;
  } catch {
    return otherwise;
  }
}
/** Keep something in this browser; null forgets it. */
export function hold(name, value) {
  try {
    if (value === null) localStorage.removeItem(`desk:${name}`);
    else localStorage.setItem(`desk:${name}`, JSON.stringify(value));
  } catch {
    // Private mode or full: it lasts until the page is left.
  }
}
