// Where a workspace is kept: on the server for who is signed in, in this browser for a visitor. Same shapes.
import { ApiError, getJson } from "../api.js";
import { t } from "../text.js";
import { held, hold, isSignedIn, token } from "./local.js";

const TIMEOUT_MS = 8000;
/** Send a change to the workspace; returns what the server says, or null where it says nothing. */
export async function send(method, path, body) {
  let answer;
  try {
    answer = await fetch(`/api/v1/workspace${path}`, {
      method,
      headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": token() },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new ApiError(0, "no_answer", t("The server cannot be reached."));
  }
  if (answer.status === 204) return null;
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new ApiError(answer.status, found.code || "error", found.detail || t("That did not work."));
  return found;
}
export const readWorkspace = () => getJson("workspace");

const versions = new Map();
/** The drawings of one symbol. What a visitor drew here goes along when they sign in. */
export async function readDrawings(symbol) {
  const mine = held(`draw:${symbol}`, []);
  if (!isSignedIn()) return mine;
  const found = await getJson(`workspace/drawings/${symbol}`);
  versions.set(symbol, found.version);
  if (!mine.length) return found.items;
  const brought = new Set(mine.map((item) => item.id));
  const all = await saveDrawings(symbol, merged(found.items, mine, brought), brought);
  hold(`draw:${symbol}`, null);
  return all;
}
/** Drawings of another device with what was touched here: added, moved or deleted. */
export function merged(theirs, mine, touched) {
  const own = new Map(mine.map((item) => [item.id, item]));
  const known = new Set(theirs.map((item) => item.id));
  const kept = theirs.map((item) => (touched.has(item.id) ? own.get(item.id) : item)).filter(Boolean);
  return [...kept, ...mine.filter((item) => touched.has(item.id) && !known.has(item.id))];
}
/** Save the drawings of a symbol; returns them as they are kept, which may hold another device's as well. */
export async function saveDrawings(symbol, items, touched) {
  if (!isSignedIn()) {
    hold(`draw:${symbol}`, items.length ? items : null);
    return items;
  }
  try {
    return await put(symbol, items);
  } catch (error) {
    if (error.code !== "changed_elsewhere") throw error;
    const theirs = await getJson(`workspace/drawings/${symbol}`);
    versions.set(symbol, theirs.version);
    return put(symbol, merged(theirs.items, items, touched));
  }
}
async function put(symbol, items) {
  const saved = await send("PUT", `/drawings/${symbol}`, { items, version: versions.get(symbol) ?? 0 });
  versions.set(symbol, saved.version);
  return saved.items;
}
