// A look at a unit of the map, beside it: never over the unit or the pointer, never outside the map.

const AWAY = 14; // pixels between a look and its unit, or the pointer
const INSIDE = 8; // pixels between a look and the map's edge

class Peek {
  constructor(box, map) {
    this.box = box;
    this.map = map;
    this.number = -1;
    this.isPinned = false;
  }

  /** Show a unit: in passing, or `isPinned`, with a way to open it, until something else is chosen. */
  show(number, { isPinned = false, pointer = null } = {}) {
    if (this.isPinned && !isPinned) return;
    Object.assign(this, { number, isPinned, pointer });
    const row = this.map.cells[number]?.row;
    this.box.hidden = row === undefined;
    this.box.classList.toggle("pinned", isPinned);
    if (row === undefined) return;
    const key = `${row} ${isPinned} ${this.map.told()}`;
    if (this.box.dataset.key !== key) this.fill(row);
    this.box.dataset.key = key;
    this.place();
  }

  hide() {
    Object.assign(this, { number: -1, isPinned: false });
    this.box.hidden = true;
    this.box.classList.remove("pinned");
  }

  fill(row) {
    const source = imageOf(row);
    const facts = [...new Set(["activation", ...this.map.told()])].filter((name) => value(name, row) !== null);
    const status = value("activation", row) === null ? value("status", row) : null;
    const isTouch = matchMedia("(hover: none)").matches;
    this.box.replaceChildren(...[
      source ? element("img", { src: source, alt: "", width: 160, height: 160, style: { background: colourOf(row) } }) : null,
      element("b", {}, captionOf(row)),
      ...facts.map((name) => element("span", { className: "muted" }, `${labelOf(name)} ${shown(value(name, row))}`)),
      status ? element("span", { className: "muted" }, status) : null,
      this.isPinned
        ? element("span", { className: "act" }, element("a", { href: addressOf(row), id: "peek-open", "aria-label": `Open ${model.ids[row]}` }, "Open"), collectButton(row), element("button", { type: "button", id: "peek-close", "aria-label": "Close", onclick: () => this.map.unpin() }, "×"))
        : null,
      element("span", { className: "muted hint" }, this.isPinned ? (isTouch ? "or tap it twice" : "or double click it, or Enter") : "Click to choose"),
    ].filter(Boolean));
  }

  /** Put it beside its unit, where there is room; smaller where there is none. */
  place() {
    const cell = this.map.cells[this.number];
    if (!cell || this.box.hidden) return;
    const { across, down } = this.map;
    const unit = this.map.boxOf(cell);
    const isAway = unit.x > across || unit.y > down || unit.x + unit.side < 0 || unit.y + unit.side < 0;
    this.box.classList.toggle("away", isAway);
    if (isAway) return;
    const controls = [...this.box.parentElement.querySelectorAll(".zoom")].map((one) => ({ x: one.offsetLeft, y: one.offsetTop, width: one.offsetWidth, height: one.offsetHeight }));
    for (const [isSmall, shunned] of [[false, controls], [false, []], [true, controls], [true, []]]) {
      this.box.classList.toggle("compact", isSmall);
      const spot = this.spots(unit).find((one) => this.isFree(one, unit, shunned));
      if (spot) return this.put(spot);
    }
    return this.put(this.spots(unit)[0]);
  }

  put({ x, y }) {
    const { across, down } = this.map;
    const inside = (place, size, most) => Math.max(0, Math.min(most - size, place));
    this.box.style.transform = `translate(${inside(x, this.box.offsetWidth, across)}px, ${inside(y, this.box.offsetHeight, down)}px)`;
  }

  /** Where it may go: to the right, to the left, below, above, and in the corners. */
  spots({ x, y, side }) {
    const { across, down } = this.map;
    const [width, height] = [this.box.offsetWidth, this.box.offsetHeight];
    const within = (place, size, most) => Math.max(INSIDE, Math.min(most - size - INSIDE, place));
    const [level, middle] = [within(y + side / 2 - height / 2, height, down), within(x + side / 2 - width / 2, width, across)];
    const [left, right, top, bottom] = [INSIDE, across - width - INSIDE, INSIDE, down - height - INSIDE];
    const beside = [[x + side + AWAY, level], [x - width - AWAY, level], [middle, y + side + AWAY], [middle, y - height - AWAY]];
    const shifted = [top, bottom].flatMap((one) => [[x + side + AWAY, one], [x - width - AWAY, one]]);
    return [...beside, ...shifted, [right, top], [left, top], [right, bottom], [left, bottom]].map(([one, other]) => ({ x: one, y: other, width, height }));
  }

  isFree(spot, unit, shunned) {
    const { across, down } = this.map;
    const isInside = spot.x >= 0 && spot.y >= 0 && spot.x + spot.width <= across && spot.y + spot.height <= down;
    const meets = (one) => spot.x < one.x + one.width && one.x < spot.x + spot.width && spot.y < one.y + one.height && one.y < spot.y + spot.height;
    const around = this.pointer ? [{ x: this.pointer[0] - AWAY / 2, y: this.pointer[1] - AWAY / 2, width: AWAY, height: AWAY }] : [];
    return isInside && ![{ ...unit, width: unit.side, height: unit.side }, ...around, ...shunned].some(meets);
  }
}
