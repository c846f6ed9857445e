// What is around the units: light and dark, and what is new while an atlas grows.

const AGAIN = 15_000; // milliseconds until the page looks again what is new

// Light and dark ---------------------------------------------------------------------------------

function turnTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  remember("theme", root.dataset.theme);
}

function remember(name, text) {
  try {
    localStorage.setItem(`atlas-${name}`, text);
  } catch { /* a browser that keeps nothing for files */ }
}

function remembered(name) {
  try {
    return localStorage.getItem(`atlas-${name}`);
  } catch {
    return null;
  }
}

const theme = remembered("theme");
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;

// What is new --------------------------------------------------------------------------------------

/** While an atlas grows, say how far it is, and look now and then whether there is more. */
function news() {
  const done = model.counts.done ?? 0;
  const total = model.rows - (model.counts.unavailable ?? 0);
  const failed = model.counts.failed ?? 0;
  if (done >= total) return;
  byId("news").hidden = false;
  byId("progress").max = total;
  byId("progress").value = done;
  byId("so-far").textContent = `${done.toLocaleString("en")} of ${total.toLocaleString("en")} units so far${failed ? `, ${failed.toLocaleString("en")} failed` : ""}`;
  const mine = document.querySelector('script[src^="data/"]')?.getAttribute("src");
  globalThis.atlasNow = (name) => { if (name !== mine) byId("reload").hidden = false; };
  setInterval(() => { if (byId("reload").hidden && !document.hidden) load(`data/now.js?${Date.now()}`).catch(() => {}); }, AGAIN);
}
