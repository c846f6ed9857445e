// The map: all units on one canvas, zoomable: in channel order, by similarity, by activation, or with
// any two numbers as its axes.

const NEAREST = 320; // pixels of a cell, zoomed in most
const CLOSEST = 6000; // pixels of a cell where two numbers are the axes
const CHOSEN = 96; // pixels of a cell about a unit that is looked for
const KEPT = 700; // pictures
const TWICE = 400; // milliseconds between the clicks of a double click

class UnitMap {
  constructor(canvas, { open, moved }) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.open = open;
    this.moved = moved;
    this.cells = [];
    this.pictures = new Map();
    this.view = null;
    this.active = -1;
    this.pinned = -1;
    this.tapped = { number: -1, when: 0 };
    this.pointers = new Map();
    this.peek = new Peek(byId("peek"), this);
    new ResizeObserver(() => this.fit()).observe(canvas);
    this.listen();
  }

  /** Lay rows out, as a state of the page says; those that are not `found` are dimmed. */
  show(wanted, rows, found) {
    const { layout } = wanted;
    const made = layouts()[layout](rows, wanted);
    const [active, pinned] = [this.active, this.pinned].map((number) => this.cells[number]?.row);
    Object.assign(this, { axes: null, ...made, layout, found, palette: paletteOf(wanted.colour) });
    this.at = null;
    const again = (row) => (row === undefined ? -1 : this.cells.findIndex((cell) => cell.row === row));
    Object.assign(this, { active: again(active), pinned: again(pinned) });
    this.peek.hide();
    this.ask();
  }

  /** The numbers that the map shows, for looks at units. */
  told() {
    const axes = this.axes ? [this.axes.x.name, this.axes.y.name] : [];
    return [...axes, ...(this.palette && this.palette.name !== "layer" ? [this.palette.name] : [])];
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
    const edge = this.axes ? 2 * (AXIS + 24) : 16;
    return Math.min((this.across - edge) / (this.width || 1), (this.down - edge) / (this.height || 1));
  }

  most() {
    return this.axes ? CLOSEST : NEAREST;
  }

  all(told = true) {
    if (!this.across || !this.cells.length) return;
    const scale = this.least();
    const shift = this.axes ? AXIS / 2 / scale : 0;
    this.view = { x: this.width / 2 - shift, y: this.height / 2 + shift / 2, scale };
    this.ask();
    clearTimeout(this.telling);
    this.telling = 0;
    if (told) this.moved({ view: null, row: this.cells[this.pinned]?.row });
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

  /** Pixels of a unit's picture. */
  side() {
    const { scale } = this.view;
    if (this.axes) return looseSide(scale, this.cells.length);
    return scale - (scale > 24 ? Math.min(6, scale * 0.05) : scale > 10 ? 1 : 0);
  }

  /** Where a unit is drawn, in pixels. */
  boxOf(cell) {
    const side = this.side();
    const [x, y] = this.toPixel(cell.x, cell.y);
    const shift = this.axes ? (this.view.scale - side) / 2 : 0;
    return { x: x + shift, y: y + shift, side };
  }

  cellAt(px, py) {
    if (!this.view) return -1;
    if (this.axes) return this.looseAt(px, py);
    this.at ??= new Map(this.cells.map((cell, number) => [`${cell.x},${cell.y}`, number]));
    const [x, y] = this.toCell(px, py);
    const found = [...new Set([Math.floor(y), Math.floor(y * 2) / 2, Math.floor(y * 2 - 1) / 2])];
    for (const top of found) {
      const number = this.at.get(`${Math.floor(x)},${top}`);
      if (number !== undefined && y >= top && y < top + 1) return number;
    }
    return -1;
  }

  /** The unit on top at a place, or the nearest where it is small. */
  looseAt(px, py) {
    let [best, least] = [-1, Infinity];
    this.cells.forEach((cell, number) => {
      const { x, y, side } = this.boxOf(cell);
      const far = Math.max(Math.abs(px - x - side / 2), Math.abs(py - y - side / 2));
      if (far <= Math.max(8, side / 2) && (side > RINGED || far <= least)) [best, least] = [number, far];
    });
    return best;
  }

  zoom(factor, px = this.across / 2, py = this.down / 2) {
    if (!this.view) return;
    const [x, y] = this.toCell(px, py);
    const scale = Math.min(this.most(), Math.max(Math.min(this.least(), this.most()), this.view.scale * factor));
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
    this.later();
  }

  /** Tell where it is when it has come to rest: addresses may not change all the time. */
  later() {
    clearTimeout(this.telling);
    this.telling = setTimeout(() => this.tell(), 250);
  }

  /** Tell where it is, if it was moved since that was told. */
  tell() {
    if (!this.telling) return;
    clearTimeout(this.telling);
    this.telling = 0;
    this.moved({ view: this.view, row: this.cells[this.pinned]?.row });
  }

  // Drawing ----------------------------------------------------------------------------------------

  ask() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => { this.asked = false; this.draw(); });
  }

  draw() {
    if (!this.view || !this.across || this.canvas.offsetParent === null) return;
    drawMap(this);
    this.peek.place();
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
      const oldest = [...this.pictures.keys()].find((name) => !name.includes("sheets/"));
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
      this.choose(this.cellAt(event.offsetX, event.offsetY), [event.offsetX, event.offsetY]);
    });
    canvas.addEventListener("pointercancel", (event) => this.pointers.delete(event.pointerId));
    canvas.addEventListener("pointerleave", () => this.glance(-1));
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("focus", () => { if (this.active < 0 && this.cells.length) this.active = 0; this.ask(); });
    canvas.addEventListener("blur", () => this.ask());
  }

  drag(event) {
    const before = this.pointers.get(event.pointerId);
    const here = [event.offsetX, event.offsetY];
    if (!before) {
      if (event.pointerType === "mouse") this.glance(this.cellAt(...here), here);
      return;
    }
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
    this.glance(-1);
  }

  /** Show a unit in passing. */
  glance(number, pointer = null) {
    this.canvas.classList.toggle("on-unit", number >= 0);
    this.peek.show(number, { pointer });
  }

  /** Choose the unit that was clicked, or nothing; the same once more opens it. */
  choose(number, pointer = null) {
    const isAgain = number >= 0 && number === this.tapped.number && performance.now() - this.tapped.when < TWICE;
    this.tapped = { number, when: performance.now() };
    if (isAgain) this.open(this.cells[number].row);
    else if (number < 0) this.unpin();
    else this.pin(number, pointer);
  }

  pin(number, pointer = null) {
    Object.assign(this, { pinned: number, active: number });
    this.peek.show(number, { isPinned: true, pointer });
    this.say(number);
    this.ask();
    this.later();
  }

  unpin() {
    if (this.pinned < 0) return;
    if (byId("peek").contains(document.activeElement)) this.canvas.focus();
    this.pinned = -1;
    this.peek.hide();
    this.ask();
    this.later();
  }

  say(number) {
    const { row } = this.cells[number];
    const facts = [...new Set(["activation", ...this.told()])].map((name) => `${labelOf(name)} ${shown(value(name, row))}`);
    byId("spoken").textContent = [captionOf(row), ...facts].join(", ");
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (steps[event.key]) this.step(...steps[event.key]);
    else if (event.key === "+" || event.key === "=") this.zoomIn(1.4);
    else if (event.key === "-") this.zoomIn(1 / 1.4);
    else if (event.key === "0") this.all();
    else if (event.key === "Escape" && this.pinned >= 0) this.unpin();
    else if (event.key === "Enter" && this.cells[this.active]) this.open(this.cells[this.active].row);
    else return;
    event.preventDefault();
  }

  zoomIn(factor) {
    const cell = this.cells[this.active];
    if (cell) this.zoom(factor, ...this.toPixel(cell.x + 0.5, cell.y + 0.5));
    else this.zoom(factor);
  }

  /** Go to the nearest unit in a direction; on axes to the next number of that axis. */
  step(dx, dy) {
    const from = this.cells[this.active] ?? this.cells[0];
    if (!from) return;
    let best = -1;
    if (this.axes) {
      const along = (cell) => cell.x * Math.abs(dx) + cell.y * Math.abs(dy);
      const order = this.cells.map((_, number) => number).sort((a, b) => along(this.cells[a]) - along(this.cells[b]) || a - b);
      best = order[order.indexOf(Math.max(0, this.active)) + dx + dy] ?? -1;
    } else {
      let least = Infinity;
      this.cells.forEach((cell, number) => {
        const [along, aside] = [(cell.x - from.x) * dx + (cell.y - from.y) * dy, Math.abs((cell.x - from.x) * dy) + Math.abs((cell.y - from.y) * dx)];
        if (along > 0.4 && along + 3 * aside < least) [best, least] = [number, along + 3 * aside];
      });
    }
    if (best >= 0) this.goTo(best);
  }

  goToRow(row) {
    const number = this.cells.findIndex((cell) => cell.row === row);
    if (number >= 0 && this.view) this.goTo(number);
  }

  /** Choose a row's unit, and have it in the middle where no place was asked for. */
  find(row, isPlaced) {
    const number = this.cells.findIndex((cell) => cell.row === row);
    if (number < 0 || !this.view) return;
    const cell = this.cells[number];
    if (!isPlaced) this.view = { x: cell.x + 0.5, y: cell.y + 0.5, scale: Math.max(this.least(), CHOSEN) };
    this.pin(number);
  }

  goTo(number) {
    const cell = this.cells[number];
    const [x, y] = this.toPixel(cell.x + 0.5, cell.y + 0.5);
    const edge = this.axes ? AXIS + this.side() : this.view.scale;
    const over = (place, size) => Math.min(0, size - edge - place) + Math.max(0, edge - place);
    const [dx, dy] = [over(x, this.across), over(y, this.down)];
    if (dx || dy) this.pan(dx, dy);
    this.pin(number);
  }
}
