// The record: the chain worked out again by this browser.
import { getJson } from "./api.js";
import { $, h, put } from "./dom.js";
import { t } from "./text.js";

const SHOWN = 8;
const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** The fingerprint of a link: SHA-256 of the one before, a line break, and the text. */
export async function fingerprint(previous, payload) {
  return hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${previous}\n${payload}`)));
}
/** What is wrong with each link, by its number; an empty map: all fits. Texts that are not public yet are passed over. */
export async function faults(links) {
  const found = new Map();
  for (const [k, link] of links.entries()) {
    const before = links[k - 1];
    if (before && link.previous !== before.hash) found.set(link.sequence, t("does not follow the link before it"));
    else if (link.payload !== null && (await fingerprint(link.previous, link.payload)) !== link.hash)
      found.set(link.sequence, t("the text was changed"));
  }
  return found;
}
const short = (hash) => h("span", { class: "hash", text: `${hash.slice(0, 16)}…` });
const word = (link, fault) => fault ?? (link.payload === null ? t("not public yet") : t("fits"));

function draw(links, found) {
  const broken = links.filter((link) => found.has(link.sequence));
  const shown = [...broken, ...links.slice(-SHOWN).reverse().filter((link) => !found.has(link.sequence))].slice(0, SHOWN);
  $("[data-chain] tbody").replaceChildren(
    ...shown.map((link) =>
      h(
        "tr",
        { class: found.has(link.sequence) ? "num is-broken" : "num", "data-link": link.sequence },
        h("td", { text: String(link.sequence) }),
        h("td", { text: link.kind === "signal" ? t("signal") : t("settlement") }),
        h("td", {}, short(link.previous)),
        h("td", {}, short(link.hash)),
        h("td", { class: found.has(link.sequence) ? "" : "up", text: word(link, found.get(link.sequence)) }),
      ),
    ),
  );
  $("[data-chain]").hidden = false;
}
async function verify(button) {
  const state = $("[data-chain-state]");
  button.disabled = true;
  put(state, t("Checking"));
  try {
    const { links } = await getJson("chain");
    const found = await faults(links);
    const checked = links.filter((link) => link.payload !== null).length;
    draw(links, found);
    put(
      state,
      found.size
        ? t("{n} of {all} links do not fit. The first is link {link}: {why}.", {
            n: found.size,
            all: links.length,
            link: [...found.keys()][0],
            why: [...found.values()][0],
          })
        : t("{n} of {all} links fit. Newest fingerprint {head}…", {
            n: checked,
            all: links.length,
            head: (links.at(-1)?.hash ?? "").slice(0, 16),
          }),
    );
  } catch (error) {
    put(state, error.message);
  }
  button.disabled = false;
}
const button = $("[data-verify]");
if (button) {
  button.classList.add("has-script");
  button.addEventListener("click", () => verify(button));
}
