// The service worker: it keeps the look of the site and a page for no network, nothing else.
const address = document.body.dataset.worker;
if (address && "serviceWorker" in navigator)
  addEventListener("load", () => {
    // Refused in private mode or by policy: the site works the same without it.
    navigator.serviceWorker.register(address, { updateViaCache: "none" }).catch(() => {});
  });
