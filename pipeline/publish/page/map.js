// The map: all units on one canvas, zoomable, in channel order, by similarity or by activation.

const NEAREST = 320; // pixels of a unit, zoomed in most
const SHARP = 1.2; // from this many pixels a sheet's pixel on, units have their own pictures
const KEPT = 700; // pictures
const LABELLED = 56; // from this many pixels of a cell on, its class stands in it

class UnitMap {
  constructor(canvas, { open, moved }) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.open = open;
    this.moved = moved;
    this.cells = [];
    this.at = new Map();
    this.shown = new Set();
    this.pictures = new Map();
    this.view = null;
    this.active = -1;
    this.pointers = new Map();
    new ResizeObserver(() => this.fit()).observe(canvas);
    this.listen();
  }

  /** Lay rows out; those that are not `found` are dimmed. */
  show(layout, rows, found) {
    const made = layouts()[layout](rows);
    Object.assign(this, { layout, cells: made.cells, panels: made.panels, width: made.width, height: made.height, found });
    this.at = new Map(this.cells.map((cell, number) => [`${cell.x},${cell.y}`, number]));
    this.active = Math.min(this.active, this.cells.length - 1);
    this.ask();
  }

  // Where things are -------------------------------------------------------------------------------

  fit() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    const ratio = devicePixelRatio || 1;
    Object.assign(this, { across: width, down: height, ratio });
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    if (!this.view) this.all(false);
    this.ask();
  }

  /** The scale at which everything is in sight. */
  least() {
    return Math.min((this.across - 16) / (this.width || 1), (this.down - 16) / (this.height || 1));
  }

  all(told = true) {
    if (!this.across || !this.cells.length) return;
    this.view = { x: this.width / 2, y: this.height / 2, scale: this.least() };
    this.ask();
    clearTimeout(this.telling);
    this.telling = 0;
    if (told) this.moved(null);
  }

  look(view) {
    this.view = view;
    if (!view) this.all(false);
    this.ask();
  }

  toCell(px, py) {
    const { x, y, scale } = this.view;
    return [x + (px - this.across / 2) / scale, y + (py - this.down / 2) / scale];
  }

  toPixel(x, y) {
    const { scale } = this.view;
    return [(x - this.view.x) * scale + this.across / 2, (y - this.view.y) * scale + this.down / 2];
  }

  cellAt(px, py) {
    if (!this.view) return -1;
    const [x, y] = this.toCell(px, py);
    const found = [...new Set([Math.floor(y), Math.floor(y * 2) / 2, Math.floor(y * 2 - 1) / 2])];
    for (const top of found) {
      const number = this.at.get(`${Math.floor(x)},${top}`);
      if (number !== undefined && y >= top && y < top + 1) return number;
    }
    return -1;
  }

  zoom(factor, px = this.across / 2, py = this.down / 2) {
    if (!this.view) return;
    const [x, y] = this.toCell(px, py);
    const scale = Math.min(NEAREST, Math.max(Math.min(this.least(), NEAREST), this.view.scale * factor));
    this.view = { scale, x: x - (px - this.across / 2) / scale, y: y - (py - this.down / 2) / scale };
    this.keep();
  }

  pan(px, py) {
    this.view.x -= px / this.view.scale;
    this.view.y -= py / this.view.scale;
    this.keep();
  }

  /** Keep the map from leaving, and tell where it is. */
  keep() {
    this.view.x = Math.min(this.width, Math.max(0, this.view.x));
    this.view.y = Math.min(this.height, Math.max(0, this.view.y));
    this.ask();
    clearTimeout(this.telling);
    this.telling = setTimeout(() => this.tell(), 250);
  }

  /** Tell where it is, if it was moved since that was told. */
  tell() {
    if (!this.telling) return;
    clearTimeout(this.telling);
    this.telling = 0;
    this.moved(this.view);
  }

  // Drawing ----------------------------------------------------------------------------------------

  ask() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => { this.asked = false; this.draw(); });
  }

  draw() {
    if (!this.view || !this.across || this.canvas.offsetParent === null) return;
    const { pen, view } = this;
    const style = getComputedStyle(this.canvas);
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.clearRect(0, 0, this.across, this.down);
    pen.imageSmoothingQuality = "high";
    const side = view.scale;
    const gap = side > 24 ? Math.min(6, side * 0.05) : side > 10 ? 1 : 0;
    const [left, top] = this.toCell(0, 0);
    const [right, bottom] = this.toCell(this.across, this.down);
    this.loading = 0;
    for (const cell of this.cells) {
      if (cell.x + 1 < left || cell.x > right || cell.y + 1 < top || cell.y > bottom) continue;
      pen.globalAlpha = this.found.has(cell.row) ? 1 : 0.1;
      this.paint(cell.row, ...this.toPixel(cell.x, cell.y), side - gap);
      if (this.layout === "activations" && side > LABELLED) this.label(value("class_name", cell.row), ...this.toPixel(cell.x, cell.y), side - gap);
    }
    pen.globalAlpha = 1;
    pen.fillStyle = style.color;
    pen.textBaseline = "alphabetic";
    pen.font = `600 ${Math.max(11, Math.min(20, side * 0.7))}px system-ui, sans-serif`;
    for (const panel of this.panels) {
      const [x, y] = this.toPixel(panel.x, panel.y);
      pen.fillText(this.cut(panel.heading, this.roomOf(panel) * side), x, y - Math.max(3, side * 0.18));
    }
    const cell = this.cells[this.active];
    if (cell && document.activeElement === this.canvas) {
      pen.strokeStyle = style.outlineColor;
      pen.lineWidth = 3;
      const [x, y] = this.toPixel(cell.x, cell.y);
      pen.strokeRect(x - 1.5, y - 1.5, side - gap + 3, side - gap + 3);
    }
  }

  /** What a cell is for, on its lower edge. */
  label(text, x, y, side) {
    if (!text) return;
    const { pen } = this;
    pen.font = "600 11px system-ui, sans-serif";
    pen.textBaseline = "alphabetic";
    pen.fillStyle = "#000b";
    pen.fillRect(x, y + side - 16, side, 16);
    pen.fillStyle = "#fff";
    pen.fillText(this.cut(text, side - 8), x + 4, y + side - 4);
  }

  /** Cells that a panel's heading may take: up to what stands beside it, or to the edge. */
  roomOf(panel) {
    const beside = this.panels.filter((one) => one.x > panel.x && one.y - HEAD < panel.y && panel.y - HEAD < one.y + one.height);
    const edge = Math.max(panel.x + panel.width, this.toCell(this.across, 0)[0]);
    return Math.min(edge, ...beside.map((one) => one.x - 0.5)) - panel.x;
  }

  /** As much of a text as fits. */
  cut(text, width) {
    let kept = text;
    while (kept && this.pen.measureText(kept === text ? text : `${kept}…`).width > width) kept = kept.slice(0, -1);
    return kept === text ? text : kept && `${kept}…`;
  }

  paint(row, x, y, side) {
    const batch = model.batches[model.batchOf[row]];
    if (!batch) {
      this.pen.fillStyle = "#8884";
      this.pen.fillRect(x, y, side, side);
      return;
    }
    const own = side * this.ratio > SHARP * model.tile ? this.picture(thumbOf(row)) : null;
    if (own) {
      this.pen.drawImage(own, x, y, side, side);
      return;
    }
    const sheet = this.picture(batch.sheet);
    if (sheet) {
      const place = model.placeOf[row];
      const [column, line] = [place % batch.columns, Math.floor(place / batch.columns)];
      this.pen.drawImage(sheet, column * model.tile, line * model.tile, model.tile, model.tile, x, y, side, side);
    } else {
      this.pen.fillStyle = colourOf(row);
      this.pen.fillRect(x, y, side, side);
    }
  }

  /** A picture, or null until it is loaded. */
  picture(source) {
    const known = this.pictures.get(source);
    if (known) return known.complete && known.naturalWidth ? known : null;
    const image = new Image();
    image.decoding = "async";
    image.onload = () => this.ask();
    image.src = source;
    this.pictures.set(source, image);
    if (this.pictures.size > KEPT) {
      const oldest = [...this.pictures.keys()].find((name) => !name.startsWith("sheets/"));
      if (oldest) this.pictures.delete(oldest);
    }
    return null;
  }

  // Hands ------------------------------------------------------------------------------------------

  listen() {
    const { canvas } = this;
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const step = event.deltaMode === 1 ? 16 : 1;
      this.zoom(Math.exp((-event.deltaY * step) / (event.ctrlKey ? 120 : 400)), event.offsetX, event.offsetY);
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
      if (this.pointers.size === 1) this.walked = 0;
    });
    canvas.addEventListener("pointermove", (event) => this.drag(event));
    canvas.addEventListener("pointerup", (event) => {
      const was = this.pointers.delete(event.pointerId);
      if (!was || this.pointers.size || this.walked > 6) return;
      const number = this.cellAt(event.offsetX, event.offsetY);
      if (number >= 0) this.open(this.cells[number].row);
    });
    canvas.addEventListener("pointercancel", (event) => this.pointers.delete(event.pointerId));
    canvas.addEventListener("pointerleave", () => this.peek(-1));
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("focus", () => { if (this.active < 0 && this.cells.length) this.active = 0; this.ask(); });
    canvas.addEventListener("blur", () => this.ask());
  }

  drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType === "mouse") this.peek(this.cellAt(event.offsetX, event.offsetY), event);
      return;
    }
    const here = [event.offsetX, event.offsetY];
    const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    if (other) {
      const far = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
      this.walked = 99;
      this.zoom(far(here, other) / Math.max(1, far(before, other)), (here[0] + other[0]) / 2, (here[1] + other[1]) / 2);
      this.pan((here[0] - before[0]) / 2, (here[1] - before[1]) / 2);
    } else {
      this.walked += Math.hypot(here[0] - before[0], here[1] - before[1]);
      this.pan(here[0] - before[0], here[1] - before[1]);
    }
    this.pointers.set(event.pointerId, here);
    this.peek(-1);
  }

  /** Show a unit beside the pointer. */
  peek(number, event) {
    const box = byId("peek");
    const row = this.cells[number]?.row;
    this.canvas.classList.toggle("on-unit", row !== undefined);
    box.hidden = row === undefined;
    if (row === undefined) return;
    if (box.dataset.row !== String(row)) {
      box.dataset.row = row;
      const source = imageOf(row);
      box.replaceChildren(
        source ? element("img", { src: source, alt: "", width: 160, height: 160, style: { background: colourOf(row) } }) : "",
        element("b", {}, captionOf(row)),
        element("span", { className: "muted" }, value("activation", row) === null ? value("status", row) : `activation ${shown(value("activation", row))}`),
      );
    }
    const right = event.offsetX > this.across - 210;
    const low = event.offsetY > this.down - 240;
    box.style.transform = `translate(${event.offsetX + (right ? -196 : 18)}px, ${event.offsetY + (low ? -226 : 18)}px)`;
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (steps[event.key]) this.step(...steps[event.key]);
    else if (event.key === "+" || event.key === "=") this.zoomIn(1.4);
    else if (event.key === "-") this.zoomIn(1 / 1.4);
    else if (event.key === "0") this.all();
    else if (event.key === "Enter" && this.cells[this.active]) this.open(this.cells[this.active].row);
    else return;
    event.preventDefault();
  }

  zoomIn(factor) {
    const cell = this.cells[this.active];
    if (cell) this.zoom(factor, ...this.toPixel(cell.x + 0.5, cell.y + 0.5));
    else this.zoom(factor);
  }

  /** Go to the nearest unit in a direction. */
  step(dx, dy) {
    const from = this.cells[this.active] ?? this.cells[0];
    if (!from) return;
    let [best, least] = [-1, Infinity];
    this.cells.forEach((cell, number) => {
      const [along, aside] = [(cell.x - from.x) * dx + (cell.y - from.y) * dy, Math.abs((cell.x - from.x) * dy) + Math.abs((cell.y - from.y) * dx)];
      if (along > 0.4 && along + 3 * aside < least) [best, least] = [number, along + 3 * aside];
    });
    if (best < 0) return;
    this.goTo(best);
  }

  goToRow(row) {
    const number = this.cells.findIndex((cell) => cell.row === row);
    if (number >= 0 && this.view) this.goTo(number);
  }

  goTo(number) {
    this.active = number;
    const cell = this.cells[number];
    const [x, y] = this.toPixel(cell.x + 0.5, cell.y + 0.5);
    const edge = this.view.scale;
    const over = (place, size) => Math.min(0, size - edge - place) + Math.max(0, edge - place);
    const [dx, dy] = [over(x, this.across), over(y, this.down)];
    if (dx || dy) this.pan(dx, dy);
    this.ask();
    byId("spoken").textContent = `${captionOf(cell.row)}, activation ${shown(value("activation", cell.row))}`;
  }
}
