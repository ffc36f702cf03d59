// The visitor's own list of markets, kept in this browser.
const KEEP = "watch";

function stored() {
  try {
    const held = JSON.parse(localStorage.getItem(KEEP) || "[]");
    return new Set(Array.isArray(held) ? held : []);
  } catch {
    return new Set();
  }
}
export const watched = stored();
export function toggleWatched(symbol) {
  if (!watched.delete(symbol)) watched.add(symbol);
  try {
    localStorage.setItem(KEEP, JSON.stringify([...watched]));
  } catch {
    // Private mode: the list lasts until the page is left.
  }
}
