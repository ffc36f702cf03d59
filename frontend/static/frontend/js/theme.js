// Runs before first paint (small, blocking, external: a strict CSP allows it). Sets theme and colour mode.
(function () {
  var root = document.documentElement;
  function stored(key) {
    try {
      return localStorage.getItem(key);
    } catch (e) {
      return null;
    }
  }
  function preferred() {
    return window.matchMedia && matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  }
  // The profile speaks first. A choice made on this device since then holds until the profile changes.
  function profile(key) {
    var value = root.getAttribute("data-profile-" + key);
    if (!value) return null;
    var since = (stored(key + "-since") || "").split(":");
    if (since[0] === value && since[1]) return since[1];
    return value === "system" ? preferred() : value;
  }
  root.setAttribute("data-theme", profile("theme") || stored("theme") || preferred());
  root.setAttribute("data-cvd", profile("cvd") || stored("cvd") || "0");

  function show() {
    var light = String(root.getAttribute("data-theme") === "light");
    var blue = String(root.getAttribute("data-cvd") === "1");
    document.querySelectorAll("[data-set-theme]").forEach(function (b) {
      b.setAttribute("aria-pressed", light);
    });
    document.querySelectorAll("[data-set-cvd]").forEach(function (b) {
      b.setAttribute("aria-pressed", blue);
    });
  }
  function choose(key, value) {
    root.setAttribute("data-" + key, value);
    try {
      localStorage.setItem(key, value);
      var mine = root.getAttribute("data-profile-" + key);
      if (mine) localStorage.setItem(key + "-since", mine + ":" + value);
    } catch (e) {
      /* private mode: it lasts until the page is left */
    }
    document.dispatchEvent(new CustomEvent("themechange"));
    show();
  }
  function closeMenus(except) {
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      if (!except || !menu.contains(except)) menu.open = false;
    });
  }
  document.addEventListener("DOMContentLoaded", show);
  document.addEventListener("click", function (e) {
    var target = e.target.closest && e.target.closest("[data-set-theme],[data-set-cvd]");
    if (!target) return closeMenus(e.target);
    if (target.hasAttribute("data-set-theme")) choose("theme", root.dataset.theme === "light" ? "dark" : "light");
    else choose("cvd", root.dataset.cvd === "1" ? "0" : "1");
  });
  document.addEventListener("keydown", function (e) {
    if (e.key !== "Escape") return;
    var open = document.querySelector("details.menu[open]");
    closeMenus(null);
    if (open) open.querySelector("summary").focus();
  });
})();
