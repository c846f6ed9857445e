// The gallery: tiles in rows, of which only those in sight are elements.

const GAP = 10;
const CAPTION = 24;
const HEADING = 52;
const PRINTED = 500; // tiles
const MARGIN = 1; // screens beyond what is in sight, above and below

class Gallery {
  /** `open` is told of the row whose tile was activated. */
  constructor(root) {
    this.root = root;
    this.rows = [];
    this.blocks = [];
    this.tiles = new Map();
    this.headings = [];
    this.active = 0;
    this.side = 128;
    this.asked = false;
    addEventListener("beforeprint", () => this.drawAll());
    addEventListener("afterprint", () => { this.printing = false; this.draw(); });
    addEventListener("scroll", () => this.ask(), { passive: true });
    new ResizeObserver(() => this.resize(this.side)).observe(root);
    root.addEventListener("keydown", (event) => this.key(event));
    listenToTiles(root);
    root.addEventListener("focusin", (event) => {
      const place = Number(event.target.closest(".tile")?.dataset.place ?? -1);
      if (place >= 0) this.move(place, false);
    });
  }

  /** Show rows in order; `note` gives the figure under a tile, `grouped` puts headings. */
  show(rows, note, grouped) {
    this.rows = rows;
    this.note = note;
    this.grouped = grouped;
    this.active = 0;
    this.clear();
    this.lay();
  }

  /** Lay anew where tiles are to have another size, or there is another width for them. */
  resize(wanted) {
    const isLaid = wanted === this.side && this.root.clientWidth === this.width;
    this.side = wanted;
    if (!isLaid) this.lay();
  }

  clear() {
    this.width = 0;
    for (const tile of this.tiles.values()) tile.remove();
    this.tiles.clear();
  }

  /** Compute where everything goes. */
  lay() {
    const width = this.root.clientWidth;
    if (!width) return;
    this.width = width;
    const middle = this.placeInSight();
    const abreast = picturesAbreast();
    this.columns = Math.max(abreast > 1 ? 1 : 2, Math.floor((width + GAP) / (this.side * abreast + GAP)));
    this.tile = (width - GAP * (this.columns - 1)) / this.columns;
    this.pitch = this.tile / abreast + CAPTION + GAP;
    this.blocks = [];
    let y = 0;
    for (const block of this.grouped ? groups(this.rows) : [{ from: 0, to: this.rows.length }]) {
      const top = y + (block.heading ? HEADING : 0);
      const lines = Math.ceil((block.to - block.from) / this.columns);
      this.blocks.push({ ...block, y, top, lines });
      y = top + lines * this.pitch;
    }
    this.root.style.height = `${y}px`;
    if (middle > 0) scrollTo(0, this.origin() + this.position(middle).y - innerHeight / 3);
    this.place();
    this.draw();
  }

  /** The first tile of the screen's upper third, to be kept there when the layout changes. */
  placeInSight() {
    if (!this.blocks.length || !this.pitch || this.root.hidden || scrollY < 200) return 0;
    const y = scrollY - this.origin() + innerHeight / 3;
    const block = this.blocks.findLast((one) => one.top <= y);
    if (!block) return 0;
    const line = Math.min(block.lines - 1, Math.floor((y - block.top) / this.pitch));
    return Math.min(this.rows.length - 1, block.from + line * this.columns);
  }

  origin() {
    return this.root.getBoundingClientRect().top + scrollY;
  }

  place() {
    for (const heading of this.headings) heading.remove();
    this.headings = this.blocks.filter((block) => block.heading).map((block) => {
      const heading = element("h2", {}, block.heading, element("span", { className: "muted" }, ` ${(block.to - block.from).toLocaleString("en")}`));
      const made = element("div", { className: "group", role: "listitem" }, heading);
      made.style.transform = `translateY(${block.y}px)`;
      made.order = block.from - 0.5;
      return made;
    });
    this.root.prepend(...this.headings);
    for (const [place, tile] of this.tiles) this.put(tile, place);
    this.order();
  }

  /** Have the elements follow each other as they are seen; the one that has the focus keeps it. */
  order() {
    const parts = [...this.root.children].sort((a, b) => b.order - a.order);
    parts.reduce((next, part) => {
      if (part.nextSibling !== next && !part.contains(document.activeElement)) this.root.insertBefore(part, next);
      return part;
    }, null);
  }

  position(place) {
    const block = this.blocks.findLast((one) => one.from <= place) ?? this.blocks[0];
    const [line, column] = [Math.floor((place - block.from) / this.columns), (place - block.from) % this.columns];
    return { x: column * (this.tile + GAP), y: block.top + line * this.pitch, block, line, column };
  }

  put(tile, place) {
    const { x, y } = this.position(place);
    tile.style.transform = `translate(${x}px, ${y}px)`;
    tile.style.width = `${this.tile}px`;
    tile.order = place;
  }

  ask() {
    if (this.asked || this.root.hidden) return;
    this.asked = true;
    requestAnimationFrame(() => { this.asked = false; this.draw(); });
  }

  /** Have elements for what is in sight and a little beyond; those out of sight serve again. */
  draw() {
    if (this.printing || this.root.hidden || !this.blocks.length || !this.rows.length) return;
    const from = scrollY - this.origin() - MARGIN * innerHeight;
    const to = from + (1 + 2 * MARGIN) * innerHeight;
    const wanted = new Set([this.active]);
    for (const block of this.blocks) {
      const first = Math.max(0, Math.floor((from - block.top) / this.pitch));
      const last = Math.min(block.lines - 1, Math.floor((to - block.top) / this.pitch));
      const end = Math.min(block.to, block.from + (last + 1) * this.columns);
      for (let place = block.from + first * this.columns; place < end; place += 1) wanted.add(place);
    }
    const free = [...this.tiles].filter(([place]) => !wanted.has(place));
    for (const [place] of free) this.tiles.delete(place);
    for (const place of wanted) {
      if (this.tiles.has(place)) continue;
      const tile = free.pop()?.[1] ?? this.root.appendChild(emptyTile());
      this.fill(tile, place);
      this.tiles.set(place, tile);
    }
    for (const [, tile] of free) tile.remove();
    this.order();
  }

  /** Before it is printed: all that was found, up to so many. */
  drawAll() {
    if (this.root.hidden || !this.blocks.length) return;
    this.printing = true;
    for (let place = 0; place < Math.min(PRINTED, this.rows.length); place += 1) {
      if (this.tiles.has(place)) continue;
      const tile = this.root.appendChild(emptyTile());
      this.fill(tile, place);
      this.tiles.set(place, tile);
    }
    const left = this.rows.length - PRINTED;
    this.root.dataset.left = left > 0 ? `and ${counted(left, "unit")} more` : "";
    for (const heading of this.headings) heading.classList.toggle("late", heading.order >= PRINTED);
    for (const [place, tile] of this.tiles) tile.classList.toggle("late", place >= PRINTED);
    this.order();
  }

  fill(tile, place) {
    const row = this.rows[place];
    const [link] = tile.children; // and the mark that collects it
    const [frame, caption] = link.children;
    if (model.together) fillPair(frame, row);
    else fillFrame(frame, row);
    const note = this.note(row);
    link.href = addressOf(row);
    link.dataset.place = place;
    link.tabIndex = place === this.active ? 0 : -1;
    tile.setAttribute("aria-posinset", place + 1);
    tile.setAttribute("aria-setsize", this.rows.length);
    caption.firstChild.textContent = model.together ? pairCaption(row) : captionOf(row);
    caption.firstChild.title = caption.firstChild.textContent;
    caption.lastChild.textContent = isDoubtful(row) ? `? ${note}` : note;
    caption.lastChild.title = isDoubtful(row) ? `${DOUBT} ${model.judge}` : "";
    this.put(tile, place);
    markTile(tile);
  }

  // Keys -----------------------------------------------------------------------------------------

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !event.target.closest(".tile")) return;
    const page = Math.max(1, Math.floor(innerHeight / this.pitch) - 1);
    const moves = {
      ArrowLeft: () => this.active - 1,
      ArrowRight: () => this.active + 1,
      ArrowUp: () => this.above(-1),
      ArrowDown: () => this.above(1),
      PageUp: () => this.above(-page),
      PageDown: () => this.above(page),
      Home: () => 0,
      End: () => this.rows.length - 1,
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    this.move(moves[event.key](), true);
  }

  /** The tile some lines below the active one, or above. */
  above(lines) {
    const { y, column } = this.position(this.active);
    let block = this.blocks.findLast((one) => one.from <= this.active);
    let line = Math.round((y - block.top) / this.pitch) + lines;
    let number = this.blocks.indexOf(block);
    while (line < 0 && number > 0) { number -= 1; line += this.blocks[number].lines; }
    while (line >= this.blocks[number].lines && number < this.blocks.length - 1) { line -= this.blocks[number].lines; number += 1; }
    block = this.blocks[number];
    if (line < 0) return this.active;
    line = Math.min(line, block.lines - 1);
    return Math.min(block.to - 1, block.from + line * this.columns + column);
  }

  move(place, focus) {
    if (!this.rows.length) return;
    const before = this.tiles.get(this.active)?.firstChild;
    this.active = Math.min(this.rows.length - 1, Math.max(0, place));
    if (before) before.tabIndex = -1;
    if (focus) this.reveal(this.active);
    this.draw();
    const link = this.tiles.get(this.active)?.firstChild;
    if (!link) return;
    link.tabIndex = 0;
    if (focus) link.focus({ preventScroll: true });
  }

  reveal(place) {
    const top = this.origin() + this.position(place).y;
    const head = document.querySelector(".bar").offsetHeight + 12;
    const foot = byId("tray").offsetHeight;
    if (top < scrollY + head) scrollTo(0, top - head);
    else if (top + this.pitch > scrollY + innerHeight - foot) scrollTo(0, top + this.pitch - innerHeight + foot + 8);
  }

  /** Have a row's tile active; nothing moves where some of it is in sight. */
  goTo(row) {
    const place = this.rows.indexOf(row);
    if (place < 0) return;
    const top = this.origin() + this.position(place).y - scrollY;
    this.move(place, top + this.tile < document.querySelector(".bar").offsetHeight || top > innerHeight);
    this.tiles.get(place)?.firstChild.focus({ preventScroll: true });
  }
}

/** Have a frame show a row's picture, or why there is none. */
function fillFrame(frame, row) {
  const [image, none] = frame.children;
  const source = thumbOf(row);
  frame.style.backgroundColor = colourOf(row) ?? "";
  image.hidden = !source;
  none.textContent = source ? "" : value("status", row);
  if (source && image.getAttribute("src") !== source) image.src = source;
  if (!source) image.removeAttribute("src");
}

function emptyTile() {
  const image = element("img", { alt: "", decoding: "async", draggable: "false" });
  return element(
    "div",
    { className: "tile-box", role: "listitem" },
    element("a", { className: "tile" }, element("span", { className: "frame" }, image, element("span", { className: "none" })), element("span", { className: "caption" }, element("span", { className: "name" }), element("span", { className: "muted" }))),
    pick(),
  );
}

/** The name under a tile: its class, or what labels call it, where it has one. */
function captionOf(row) {
  const name = value("called", row) ?? value("class_name", row) ?? value("name", row);
  return name ? `${model.ids[row]} ${name}` : model.ids[row];
}

/** Runs of rows of one section. */
function groups(rows) {
  const found = [];
  rows.forEach((row, place) => {
    const section = model.sectionOf[row];
    const last = found.at(-1);
    if (last?.section === section) last.to = place + 1;
    else found.push({ section, heading: model.sections[section].heading, from: place, to: place + 1 });
  });
  return found;
}
