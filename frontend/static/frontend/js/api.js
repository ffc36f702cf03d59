// Questions to the JSON API: a time-out on each, one repeat where the network failed, errors in words.
import { t } from "./text.js";

const TIMEOUT_MS = 8000;
const AGAIN_MS = 400;

export class ApiError extends Error {
  constructor(status, code, detail) {
    super(detail);
    Object.assign(this, { status, code });
  }
}
async function once(path, signal) {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(path, {
    headers: { Accept: "application/json" },
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  });
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({}));
  throw new ApiError(
    response.status,
    problem.code || "error",
    problem.detail || t("The server answered {status}.", { status: response.status }),
  );
}
/** GET a path below /api/v1. */
export async function getJson(path, signal) {
  const url = `/api/v1/${path}`;
  try {
    return await once(url, signal);
  } catch (error) {
    if (error instanceof ApiError || (signal && signal.aborted)) throw error;
    await new Promise((done) => setTimeout(done, AGAIN_MS));
    try {
      return await once(url, signal);
    } catch (second) {
      if (second instanceof ApiError || (signal && signal.aborted)) throw second;
      throw new ApiError(
        0,
        "no_answer",
        second.name === "TimeoutError" ? t("No answer within 8 s.") : t("The server cannot be reached."),
      );
    }
  }
}
/** A reader whose newer question cancels the older: an answer that is late is never shown. */
export function reader() {
  let running = null;
  return async (path) => {
    if (running) running.abort();
    const mine = (running = new AbortController());
    const found = await getJson(path, mine.signal);
    if (mine.signal.aborted) throw new DOMException("replaced", "AbortError");
    return found;
  };
}
export const wasReplaced = (error) => error.name === "AbortError";
