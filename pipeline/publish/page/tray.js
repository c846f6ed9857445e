// What is collected: a tray at the bottom that stays through the gallery, the map and units' pages.

const THUMBS = 60; // units of the tray that have their picture there
const LONG = 500; // milliseconds of a long press

const tray = {
  rows: [],
  has: new Set(),
  before: null, // what was there before something was taken out
  anchor: null, // where a range begins

  /** Take up what this tab had collected of this atlas. */
  begin() {
    this.rows = kept(`tray-${model.fingerprint}`).map((id) => model.rowOf.get(id)).filter((row) => row !== undefined);
    this.has = new Set(this.rows);
    this.draw();
  },

  /** Have these rows, in this order; whatever shows what is collected follows. */
  take(rows, said) {
    this.rows = rows;
    this.has = new Set(rows);
    keep(`tray-${model.fingerprint}`, rows.map((row) => model.ids[row]));
    this.draw();
    byId("told").textContent = `${said}. ${counted(rows.length, "unit")} collected.`;
  },

  add(rows) {
    const more = rows.filter((row) => !this.has.has(row));
    this.before = null;
    this.take([...this.rows, ...more], more.length === 1 ? `${model.ids[more[0]]} collected` : `${more.length.toLocaleString("en")} more`);
  },

  remove(row) {
    this.before = { rows: this.rows, text: `${model.ids[row]} was taken out.` };
    this.take(this.rows.filter((one) => one !== row), `${model.ids[row]} taken out`);
  },

  toggle(row) {
    this.anchor = row;
    if (this.has.has(row)) this.remove(row);
    else this.add([row]);
  },

  /** Collect all from where the last was collected up to a row, in the gallery's order. */
  range(row, rows) {
    const from = rows.indexOf(this.anchor);
    const to = rows.indexOf(row);
    if (from < 0 || to < 0) return this.toggle(row);
    this.anchor = row;
    return this.add(rows.slice(Math.min(from, to), Math.max(from, to) + 1));
  },

  empty() {
    this.before = { rows: this.rows, text: `${counted(this.rows.length, "unit")} taken out.` };
    this.take([], "Emptied");
    byId("tray-undo")?.focus();
  },

  undo() {
    const { rows } = this.before;
    this.before = null;
    this.take(rows, "As before");
    byId("tray-compare")?.focus();
  },

  draw() {
    const root = byId("tray");
    const place = [...root.querySelectorAll(".out")].indexOf(document.activeElement);
    root.hidden = !this.rows.length && !this.before;
    root.replaceChildren(...this.parts());
    if (place >= 0) (root.querySelectorAll(".out")[place] ?? [...root.querySelectorAll(".out")].at(-1) ?? byId("tray-undo"))?.focus();
    document.documentElement.style.setProperty("--tray", root.hidden ? "0px" : `${root.offsetHeight}px`);
    for (const [, tile] of gallery.tiles) markTile(tile);
    for (const button of document.querySelectorAll(".collect")) button.marked();
    map.ask();
  },

  parts() {
    const undo = this.before && element("span", { className: "undone" }, `${this.before.text} `, element("button", { type: "button", id: "tray-undo", onclick: () => this.undo() }, "Undo"));
    if (!this.rows.length) return [undo];
    const more = this.rows.length - THUMBS;
    const tiles = this.rows.slice(0, THUMBS).map((row) => this.thumb(row));
    return [
      element("b", { className: "counted" }, `${this.rows.length.toLocaleString("en")} collected`),
      element("ul", { className: "thumbs", tabindex: "-1" }, ...tiles, more > 0 ? element("li", { className: "muted" }, `and ${more.toLocaleString("en")} more`) : null),
      element(
        "span",
        { className: "does" },
        undo,
        element("a", { href: compareAddress(this.rows), id: "tray-compare", className: "button" }, "Compare"),
        element("button", { type: "button", popovertarget: "take", "aria-haspopup": "dialog" }, "Take away"),
        element("button", { type: "button", onclick: () => this.empty() }, "Empty"),
      ),
    ];
  },

  thumb(row) {
    const source = thumbOf(row);
    const picture = source ? element("img", { src: source, alt: model.ids[row], title: model.ids[row], width: 52, height: 52, decoding: "async" }) : element("span", { className: "none" }, model.ids[row]);
    return element("li", {}, element("a", { href: addressOf(row) }, picture), element("button", { type: "button", className: "out", "aria-label": `Take out ${model.ids[row]}`, onclick: () => this.remove(row) }, "×"));
  },
};

/** A list of texts that this tab keeps; an empty one where it keeps nothing. */
function kept(name) {
  try {
    const found = JSON.parse(sessionStorage.getItem(`atlas-${name}`));
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

function keep(name, list) {
  try {
    sessionStorage.setItem(`atlas-${name}`, JSON.stringify(list));
  } catch { /* a browser that keeps nothing for files: it is there until the page is left */ }
}

/** A button that collects a unit, or takes it out. */
function collectButton(row) {
  const button = element("button", { type: "button", className: "collect", onclick: () => tray.toggle(row) });
  button.marked = () => {
    button.textContent = tray.has.has(row) ? "✓ Collected" : "Collect";
    button.setAttribute("aria-pressed", String(tray.has.has(row)));
  };
  button.marked();
  return button;
}

// Tiles --------------------------------------------------------------------------------------------

/** The mark on a tile by which its unit is collected. */
function pick() {
  return element("button", { type: "button", className: "pick", tabindex: "-1", "aria-pressed": "false" }, "✓");
}

/** Have a tile say whether its unit is collected. */
function markTile(tile) {
  const row = gallery.rows[tile.order];
  if (row === undefined) return;
  const is = tray.has.has(row);
  const mark = tile.lastChild;
  tile.classList.toggle("picked", is);
  mark.setAttribute("aria-pressed", String(is));
  mark.setAttribute("aria-label", `Collect ${model.ids[row]}`);
}

/** Listen to a gallery: a check mark, Ctrl or Cmd, Shift for a range, a long press. */
function listenToTiles(root) {
  let timer = 0;
  let held = false;
  let [x, y] = [0, 0];
  const rowAt = (event) => gallery.rows[event.target.closest(".tile-box")?.order];
  root.addEventListener("click", (event) => {
    const row = rowAt(event);
    if (row === undefined || !(held || event.target.closest(".pick") || event.ctrlKey || event.metaKey || event.shiftKey)) return;
    event.preventDefault();
    if (!held && event.shiftKey) tray.range(row, gallery.rows);
    else if (!held) tray.toggle(row);
    held = false;
    const place = gallery.rows.indexOf(row);
    gallery.move(place, false);
    gallery.tiles.get(place)?.firstChild.focus({ preventScroll: true });
  });
  root.addEventListener("mousedown", (event) => { if (event.shiftKey) event.preventDefault(); });
  root.addEventListener("pointerdown", (event) => {
    held = false;
    const row = rowAt(event);
    if (event.pointerType !== "touch" || row === undefined || event.target.closest(".pick")) return;
    [x, y] = [event.clientX, event.clientY];
    clearTimeout(timer);
    timer = setTimeout(() => { held = true; timer = 0; tray.toggle(row); }, LONG);
  });
  root.addEventListener("pointermove", (event) => { if (Math.hypot(event.clientX - x, event.clientY - y) > 10) clearTimeout(timer); });
  for (const end of ["pointerup", "pointercancel"]) root.addEventListener(end, () => { clearTimeout(timer); timer = 0; });
  root.addEventListener("contextmenu", (event) => { if (held || timer) event.preventDefault(); });
}

/** The unit that a key means: the one that is open, or in focus, or pointed at. */
function rowInHand() {
  if (!byId("unit").hidden) return model.rowOf.get(state.where);
  if (state.where === "map") return map.cells[map.active]?.row;
  const tile = document.activeElement.closest(".tile-box") ?? document.querySelector(".tile-box:hover");
  return gallery.rows[tile?.order];
}

/** Collect what is in hand, or with Shift all up to it. */
function collectInHand(isRange) {
  const row = rowInHand();
  if (row === undefined) return;
  if (isRange) tray.range(row, gallery.rows);
  else tray.toggle(row);
}
