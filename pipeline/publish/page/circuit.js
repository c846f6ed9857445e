// What a unit is built from and what it feeds: tiles, where in its picture each source acts, and the
// view of one circuit. An edge is [unit, share of the target's activation, 1 or -1, change of it].

const EACH_WAY = 5; // sources each way in the view of a circuit
const WIDEST = 22; // pixels of the widest line
const FINE = 240; // pixels of what is laid over a picture, a side
const VEIL = 0.85; // how dark a picture is where a source does nothing
const FAINT = 0.2; // of the largest value of a map; what is less is not told of
const STRIPE = 12; // pixels from stripe to stripe, where a source inhibits
const WAYS = [["Excite it", 1], ["Inhibit it", -1]];

/** The address of the view of a unit's circuit. */
function circuitOf(row) {
  return `${addressOf(row)}?view=circuit`;
}

/** "Built from" and "feeds" on a unit's page, as far as it has them. */
function circuitParts(row, circuit, acts) {
  const { sources = [], feeds = [] } = circuit;
  const link = element("a", { href: circuitOf(row), id: "to-circuit" }, "Circuit →");
  const [axis, fedAxis] = [axisOf(sources), axisOf(feeds)];
  const ways = waysOf(sources).map(([text, edges]) => {
    const tiles = edges.map((edge) => edgeTile(edge, { axis, acts, className: "mini edge" }));
    return element("div", {}, element("h3", {}, text), element("div", { className: "minis edges" }, ...tiles));
  });
  const fed = feeds.map((edge) => edgeTile(edge, { axis: fedAxis, className: "mini edge" }));
  const made = [
    sources.length && ["built-from", "Built from", element("p", { className: "muted small" }, ofLayer(row, circuit)), ...ways, circuit.text ? element("p", { className: "explained" }, circuit.text) : null],
    feeds.length && ["feeds", "Feeds", element("p", { className: "muted small" }, FED), element("div", { className: "minis edges" }, ...fed)],
  ].filter(Boolean);
  return made.map(([id, heading, ...rest], place) => element("section", { id }, element("div", { className: "split" }, element("h2", {}, heading), place ? null : link), ...rest));
}

const FED = "Units of which this channel is among the strongest sources, and how much of their activation goes without it.";

function ofLayer(row, { layer, others = [] }) {
  const what = value("class_index", row) !== null ? "score" : "activation";
  const more = others.map(([name, count]) => `${name} (${count})`).join(", ");
  return `Channels of ${layer}, and how much of its ${what} goes without each.${more ? ` It was traced to ${more}, too.` : ""}`;
}

/** Edges by what they do, those that are there. */
function waysOf(edges, most = Infinity) {
  return WAYS.map(([text, way]) => [text, edges.filter((edge) => edge[2] === way).slice(0, most)]).filter(([, some]) => some.length);
}

/** How strong each of some edges is, and between what: its share, or where none has one the change. */
function axisOf(edges) {
  const isShared = edges.some(([, share]) => share !== null);
  const strengths = new Map(edges.map((edge) => [edge, isShared ? edge[1] ?? 0 : -edge[3]]));
  return { strengths, low: Math.min(0, ...strengths.values()), high: Math.max(0, ...strengths.values()) };
}

/** As `words.percent` says it. */
function percent(share) {
  const hundredths = 100 * share;
  const rounded = Number(hundredths.toFixed(Math.abs(hundredths) >= 1 ? 0 : 1)) + 0;
  return `${rounded} %`.replace("-", "−");
}

/** A tile of the other end of an edge, which leads there, or a button where it is not in this atlas. */
function edgeTile(edge, { axis, acts = null, className, address = addressOf }) {
  const [id, share, , zero] = edge;
  const row = model.rowOf.get(id);
  const source = row === undefined ? null : thumbOf(row);
  const picture = source
    ? element("img", { src: source, alt: "", width: 96, height: 96, loading: "lazy", decoding: "async", style: { background: colourOf(row) } })
    : element("span", { className: "none", title: row === undefined ? "Not in this atlas" : "Not built yet" });
  const parts = [picture, element("span", { className: "name" }, id), barOf(edge, axis), element("span", { className: "muted" }, share === null ? shown(-zero, 2) : percent(share))];
  const tile = row === undefined
    ? element("button", { type: "button", className: `${className} absent` }, ...parts, element("span", { className: "hidden" }, ", not in this atlas"))
    : element("a", { href: address(row), className }, ...parts);
  if (acts) acts.follow(tile, id);
  return tile;
}

/** A signed bar: full to the right where a source excites, hatched to the left where it inhibits. */
function barOf(edge, { strengths, low, high }) {
  const number = strengths.get(edge);
  const place = (one) => (100 * (one - low)) / (high - low || 1);
  const [from, to] = [Math.min(0, number), Math.max(0, number)].map(place);
  return element(
    "span",
    { className: "bar-of", "aria-hidden": "true" },
    element("span", { className: edge[2] > 0 ? "up" : "down", style: { left: `${from}%`, width: `${to - from}%` } }),
    element("span", { className: "zero", style: { left: `${place(0)}%` } }),
  );
}

// Where a source acts ----------------------------------------------------------------------------

/** What lays over a unit's picture where in it a source acts, as tiles of sources are pointed at. */
class Acts {
  constructor(figure, row, { sources = [], heat = null }, address = addressOf) {
    this.row = row;
    this.address = address;
    this.maps = heat ? mapsOf(heat, sources) : new Map();
    this.frame = figure.querySelector(".frame");
    this.shown = null;
    if (!this.maps.size || !this.frame.querySelector("img")) return;
    this.canvas = element("canvas", { className: "acts", width: FINE, height: FINE, "aria-hidden": "true", hidden: true });
    this.frame.append(this.canvas);
    this.text = element("p", { className: "says small" }, this.hint());
    figure.querySelector("figcaption").append(this.text);
  }

  hint() {
    const verb = matchMedia("(hover: none)").matches ? "Tap" : "Point at";
    return `${verb} what it is built from to see where in this picture that acts.`;
  }

  /** Show where a source acts while its tile is pointed at or in focus; a tap turns it on or off. */
  follow(tile, id) {
    if (!this.canvas || !this.maps.has(id)) return;
    let isTouch = false;
    tile.addEventListener("pointerdown", (event) => { isTouch = event.pointerType === "touch"; });
    tile.addEventListener("pointerenter", (event) => { if (event.pointerType !== "touch") this.show(id, tile); });
    tile.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") this.hide(); });
    tile.addEventListener("focus", () => { if (tile.matches(":focus-visible")) this.show(id, tile); });
    tile.addEventListener("blur", () => { if (!isTouch) this.hide(); });
    tile.addEventListener("click", (event) => {
      const isTap = isTouch && event.detail > 0; // not Enter
      if (!isTap && tile.tagName === "A") return;
      event.preventDefault();
      if (this.shown === id) this.hide();
      else this.show(id, tile, isTap);
    });
  }

  show(id, tile, isTouch = false) {
    this.hide();
    this.shown = id;
    tile.classList.add("acting");
    const map = this.maps.get(id);
    draw(this.canvas, map);
    this.canvas.hidden = false;
    this.text.replaceChildren(...this.said(id, map, isTouch));
    if (isTouch && !(isInSight(this.frame) && isInSight(this.text))) this.peek(id, tile);
  }

  hide() {
    if (!this.canvas) return;
    this.shown = null;
    this.canvas.hidden = true;
    this.text.replaceChildren(this.hint());
    for (const tile of document.querySelectorAll(".acting")) tile.classList.remove("acting");
    document.querySelector(".sight")?.remove();
  }

  /** What the picture shows now, and where a tap would not lead, a link there. */
  said(id, { values }, isTouch) {
    const does = [values.some((one) => one > FAINT) && "bright where it excites", values.some((one) => one < -FAINT) && "striped where it inhibits"].filter(Boolean);
    const row = model.rowOf.get(id);
    const text = `Where ${id} acts: ${does.join(", ")}.`;
    return isTouch && row !== undefined ? [text, " ", element("a", { href: this.address(row) }, `Go to ${id}`)] : [text];
  }

  /** A small copy of the picture, beside a tile from which the large one is not in sight. */
  peek(id, tile) {
    const box = tile.getBoundingClientRect();
    const copy = element("canvas", { className: "acts", width: FINE, height: FINE, "aria-hidden": "true" });
    copy.getContext("2d").drawImage(this.canvas, 0, 0);
    const sight = element(
      "div",
      { className: `sight ${box.top + box.height / 2 > innerHeight / 2 ? "above" : "below"}` },
      element("span", { className: "frame" }, element("img", { src: imageOf(this.row), alt: "" }), copy),
      element("p", { className: "small" }, ...this.said(id, this.maps.get(id), true)),
      element("button", { type: "button", className: "icon", "aria-label": "Close", onclick: () => this.hide() }, "×"),
    );
    byId("unit").append(sight);
  }
}

function isInSight(part) {
  const box = part.getBoundingClientRect();
  return Math.min(box.bottom, innerHeight) - Math.max(box.top, byId("query").getBoundingClientRect().bottom) > box.height / 2;
}

/** The map of each source, of -1 to 1. */
function mapsOf([rows, columns, text], sources) {
  const bytes = Int8Array.from(atob(text), (one) => one.charCodeAt(0));
  const size = rows * columns;
  return new Map(sources.map(([id], place) => [id, { rows, columns, values: Array.from(bytes.subarray(place * size, (place + 1) * size), (one) => one / 127) }]));
}

/** Darken what a source leaves alone; stripe what it inhibits. */
function draw(canvas, map) {
  const pen = canvas.getContext("2d");
  const drawn = pen.createImageData(FINE, FINE);
  for (let y = 0; y < FINE; y += 1) {
    for (let x = 0; x < FINE; x += 1) {
      const strength = between(map, (x + 0.5) / FINE, (y + 0.5) / FINE);
      const size = Math.min(1, 1.6 * Math.abs(strength));
      const isStripe = strength < -FAINT && (x + y) % STRIPE < STRIPE / 3;
      const colour = isStripe ? [120, 190, 255, 235 * size] : [8, 9, 12, 255 * VEIL * (1 - size)];
      drawn.data.set(colour, 4 * (y * FINE + x));
    }
  }
  pen.putImageData(drawn, 0, 0);
}

/** A map's value at a place of the unit square: a smooth surface, of quadratic splines. */
function between({ rows, columns, values }, x, y) {
  const [across, down] = [x * columns, y * rows];
  const [column, row] = [Math.floor(across), Math.floor(down)];
  const weights = (t) => [(1 - t) ** 2 / 2, 0.5 + t - t * t, t * t / 2];
  const [right, below] = [weights(across - column), weights(down - row)];
  let sum = 0;
  for (const i of [0, 1, 2]) {
    const from = columns * Math.min(rows - 1, Math.max(0, row + i - 1));
    for (const j of [0, 1, 2]) sum += below[i] * right[j] * values[from + Math.min(columns - 1, Math.max(0, column + j - 1))];
  }
  return sum;
}

// The view of one circuit ------------------------------------------------------------------------

/** Fill the article with a unit between what it is built from and what it feeds. */
function showCircuit(article, row, { before, after }) {
  const body = element("div", { className: "circuit" });
  article.replaceChildren(
    element(
      "div",
      { className: "crumbs" },
      element("a", { href: addressOf(row), id: "back" }, `← ${model.ids[row]}`),
      element("span", { className: "pair" }, neighbour(before, "‹ Previous", "prev", circuitOf), neighbour(after, "Next ›", "next", circuitOf)),
    ),
    element("header", {}, element("h1", { id: "unit-heading", tabindex: "-1" }, `Circuit of ${model.ids[row]}`), element("p", { className: "lead" }, described(row))),
    body,
  );
  detailsOf(row).then(
    (told) => { if (article.contains(body)) fillCircuit(body, row, told?.circuit ?? {}); },
    () => body.append(element("p", { className: "problem" }, REPLACED)),
  );
}

function fillCircuit(body, row, circuit) {
  const { sources = [], feeds = [], text = "" } = circuit;
  const figure = figureOf(row);
  figure.querySelector("figcaption")?.replaceChildren();
  const acts = new Acts(figure, row, circuit, circuitOf);
  const frame = figure.querySelector(".frame");
  const centre = element("a", { href: addressOf(row), className: "centre" });
  frame.replaceWith(centre);
  centre.append(frame);
  const strengths = new Map();
  const nodes = (edges, axis, more) => {
    const tiles = edges.map((edge) => edgeTile(edge, { axis, className: "node", address: circuitOf, ...more }));
    tiles.forEach((tile, place) => strengths.set(tile, axis.strengths.get(edges[place])));
    return element("div", { className: "nodes" }, ...tiles);
  };
  const axis = axisOf(sources);
  const from = waysOf(sources, EACH_WAY).flatMap(([way, edges]) => [element("h3", {}, way), nodes(edges, axis, { acts })]);
  const to = feeds.length ? nodes(feeds, axisOf(feeds)) : quiet(whyUnfed());
  const lines = wired(strengths);
  const wires = drawing("svg", { class: "wires", "aria-hidden": "true" }, ...lines.map(({ line }) => line));
  body.replaceChildren(
    wires,
    element("section", { className: "from" }, element("h2", {}, sources.length ? `Built from ${circuit.layer}` : "Built from"), ...(from.length ? from : [quiet(whyUnbuilt(row))])),
    element("section", { className: "self", "aria-label": model.ids[row] }, figure, text ? element("p", { className: "explained" }, text) : null),
    element("section", { className: "to" }, element("h2", {}, "Feeds"), to),
  );
  if (strengths.size) body.after(element("p", { className: "muted small how" }, "Arrow keys move, Enter makes what is in focus the middle, Esc leads back. A line is as wide as the share of activation that goes without its source; a dashed one inhibits."));
  new ResizeObserver(() => laid(lines, wires, frame)).observe(body);
}

function quiet(text) {
  return element("p", { className: "muted small" }, text);
}

function whyUnbuilt(row) {
  if (!hasColumn("explained")) return NO_CIRCUITS;
  if (value("status", row) !== "done") return "It is not built yet.";
  return "Nothing: no earlier layer of this atlas acts on it in its picture.";
}

function whyUnfed() {
  return hasColumn("explained") ? "No unit of this atlas has it among its strongest sources." : NO_CIRCUITS;
}

const NO_CIRCUITS = "This atlas has no circuits. Where it has units of two layers or more, atlas build measures them, with explore.responses and explore.circuits.";

/** Lines between tiles and the middle's picture, which shine while their tile is pointed at. */
function wired(strengths) {
  const most = Math.max(...[...strengths.values()].map(Math.abs));
  return [...strengths].map(([tile, strength]) => {
    const width = Math.max(1.5, (WIDEST * Math.abs(strength)) / (most || 1));
    const line = drawing("path", { class: tile.querySelector(".up") ? "up" : "down", "stroke-width": width });
    for (const event of ["pointerenter", "focus"]) tile.addEventListener(event, () => line.classList.add("lit"));
    for (const event of ["pointerleave", "blur"]) tile.addEventListener(event, () => line.classList.remove("lit"));
    return { tile, line, width };
  });
}

/** Have the lines go from tile to picture, side by side where they meet it. */
function laid(lines, wires, picture) {
  const [at, frame] = [wires.getBoundingClientRect(), picture.getBoundingClientRect()];
  for (const side of ["from", "to"]) {
    const some = lines.filter(({ tile }) => tile.closest(`.${side}`));
    let meet = (frame.top + frame.bottom - some.reduce((sum, { width }) => sum + width + 2, 0)) / 2;
    for (const { tile, line, width } of some) {
      const box = tile.getBoundingClientRect();
      const far = [side === "from" ? box.right + 4 : box.left - 4, (box.top + box.bottom) / 2];
      const near = [side === "from" ? frame.left - 4 : frame.right + 4, meet + width / 2];
      const [x1, y1, x2, y2] = [far[0] - at.left, far[1] - at.top, near[0] - at.left, near[1] - at.top];
      line.setAttribute("d", `M${x1} ${y1}C${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2} ${x2} ${y2}`);
      meet += width + 2;
    }
  }
}

/** Put the focus on what is nearest that way, from the middle at first. */
function moveInCircuit(key) {
  const tiles = [...document.querySelectorAll(".circuit .node, .circuit .centre")];
  const boxOf = (tile) => (tile.closest(".self") ?? tile).getBoundingClientRect();
  const start = tiles.includes(document.activeElement) ? document.activeElement : document.querySelector(".circuit .centre");
  if (!start) return;
  const [axis, from, to] = key === "ArrowLeft" || key === "ArrowRight" ? ["x", "left", "right"] : ["y", "top", "bottom"];
  const [acrossFrom, acrossTo] = axis === "x" ? ["top", "bottom"] : ["left", "right"];
  const here = boxOf(start);
  const far = (tile) => {
    const there = boxOf(tile);
    const along = key === "ArrowLeft" || key === "ArrowUp" ? here[from] - there[to] : there[from] - here[to];
    const across = Math.max(0, there[acrossFrom] - here[acrossTo], here[acrossFrom] - there[acrossTo]);
    const aside = Math.abs(there[acrossFrom] + there[acrossTo] - here[acrossFrom] - here[acrossTo]);
    return along < -1 ? Infinity : along + 3 * across + aside / 100;
  };
  const [next] = tiles.filter((tile) => tile !== start && far(tile) < Infinity).sort((a, b) => far(a) - far(b));
  next?.focus();
}
