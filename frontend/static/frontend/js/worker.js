// Keeps the look of the site and one page for when there is no network. Prices, signals, accounts and everything else
// that is live or somebody's own always come from the server, and are never kept.
// `frontend/pages/installed.py` writes NAME, OFFLINE and SHELL before this text.
/* global NAME, OFFLINE, SHELL */

self.addEventListener("install", (event) => {
  event.waitUntil(keep().then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOld().then(() => self.clients.claim()));
});
self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") event.respondWith(fetch(request).catch(() => kept(OFFLINE)));
  else if (SHELL.includes(new URL(request.url).pathname)) event.respondWith(fetch(request).catch(() => kept(request.url)));
});

// Asked for without cookies: what is kept is what a stranger gets.
async function keep() {
  const cache = await caches.open(NAME);
  await Promise.all(
    SHELL.map(async (address) => {
      const answer = await fetch(address, { credentials: "omit", cache: "no-cache" });
      if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
      await cache.put(address, answer);
    }),
  );
}
async function forgetOld() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== NAME).map((name) => caches.delete(name)));
}
async function kept(address) {
  return (await caches.match(new URL(address, self.location).pathname)) ?? Response.error();
}
