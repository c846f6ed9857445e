// Colours on the map: by layer, or by a number of the index; and the legend that says which is what.
// Both scales are told apart whatever one's sight of colours, and are rimmed, for either theme.

const LAYER_COLOURS = ["#3b8fd9", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#7fc8f0", "#8a7a00", "#b0a8ff"]; // after Okabe and Ito
const SCALE = ["#46207a", "#3b528b", "#21918c", "#5ec962", "#fde725"]; // viridis
const TAIL = 0.02; // of a column's numbers that are beyond either end of the scale

/** Columns that say where something is, and not how it is. */
const PLACES = new Set([
  "seed", "section_row", "mosaic_row", "mosaic_col", "map_row", "map_col", "map_x", "map_y",
  "grid_row", "grid_col", "cell_row", "cell_col", "y", "x", "variant",
]);

/** Columns of numbers that units differ by. */
function numberColumns() {
  return [...model.columns.values()].filter((column) => column.kind === "number" && !column.isEmpty && !PLACES.has(column.name)).map((column) => column.name);
}

/** Colours for units by a column: `of` a row, null where it has none, and `legend`; or null. */
function paletteOf(name) {
  if (name === "layer") return byLayer();
  return numberColumns().includes(name) ? byNumber(name) : null;
}

function byLayer() {
  const nameOfLayer = (row) => value("layer", row) ?? `${value("kind", row)} units`;
  const names = [...new Set(model.ids.map((_, row) => nameOfLayer(row)))];
  const colours = names.length <= LAYER_COLOURS.length ? LAYER_COLOURS : names.map((_, place) => along(place / (names.length - 1)));
  const byName = new Map(names.map((one, place) => [one, colours[place]]));
  return { name: "layer", of: (row) => byName.get(nameOfLayer(row)), legend: [...byName] };
}

function byNumber(name) {
  const { values } = model.columns.get(name);
  const sorted = Float64Array.from(values.filter((one) => one !== null)).sort();
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  let [low, high] = [at(TAIL), at(1 - TAIL)];
  if (low === high) [low, high] = [sorted[0], sorted.at(-1)];
  const place = (one) => (high > low ? Math.min(1, Math.max(0, (one - low) / (high - low))) : 0.5);
  const ends = [[low, sorted[0] < low ? "≤ " : ""], [(low + high) / 2, ""], [high, sorted.at(-1) > high ? "≥ " : ""]];
  return {
    name,
    of: (row) => (values[row] === null ? null : along(place(values[row]))),
    scale: ends.map(([one, sign]) => `${sign}${shown(one, 3)}`),
    lacks: values.filter((one, row) => one === null && value("status", row) === "done").length,
  };
}

/** The scale's colour at a part of it, 0 to 1. */
function along(part) {
  const place = part * (SCALE.length - 1);
  const from = Math.min(SCALE.length - 2, Math.floor(place));
  const channels = [1, 3, 5].map((at) => {
    const [a, b] = [SCALE[from], SCALE[from + 1]].map((text) => parseInt(text.slice(at, at + 2), 16));
    return Math.round(a + (b - a) * (place - from));
  });
  return `rgb(${channels.join(" ")})`;
}

/** What the colours on the map mean; nothing where there are none. */
function fillColours(box, palette) {
  box.hidden = !palette;
  if (!palette) return;
  const swatch = (colour, text) => element("li", {}, element("span", { className: "swatch", style: { background: colour } }), text);
  const parts = palette.legend
    ? [element("ul", {}, ...palette.legend.map(([text, colour]) => swatch(colour, text)))]
    : [
      element("div", { className: "ends" }, element("span", {}, palette.scale[0]), element("span", { className: "scale", title: `${palette.scale[1]} in the middle`, style: { background: `linear-gradient(to right, ${SCALE.join(",")})` } }), element("span", {}, palette.scale[2])),
      palette.lacks ? element("span", { className: "muted" }, `without colour: ${counted(palette.lacks, "unit")} that ${palette.lacks === 1 ? "has" : "have"} none`) : null,
    ];
  box.replaceChildren(element("h2", {}, `Colour: ${labelOf(palette.name)}`), ...parts.filter(Boolean));
}
