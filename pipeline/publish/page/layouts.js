// The map's layouts: where a row is, in cells; and panels with headings.

const ASPECT = 1.8; // of most screens
const HEAD = 2; // cells above a panel, for its heading
const NARROWEST = 10; // cells of a panel, for the same

function layouts() {
  const made = { channel: (rows) => panelled(rows, gridded) };
  if (hasColumn("map_row") && hasColumn("map_col")) made.similarity = bySimilarity;
  made.activation = (rows) => panelled(rows, byActivation);
  if (numberColumns().length > 1) made.axes = byAxes;
  if (hasColumn("cell_row")) made.activations = byCell;
  return made;
}

function byActivation(rows) {
  const rank = (row) => {
    const one = value("activation", row);
    if (one === null) return -Infinity;
    return model.parts[row].negative ? -one : one;
  };
  return gridded([...rows].sort((a, b) => rank(b) - rank(a)));
}

function gridded(rows) {
  const columns = Math.ceil(Math.sqrt((rows.length * 4) / 3)) || 1;
  const cells = rows.map((row, place) => ({ row, x: place % columns, y: Math.floor(place / columns) }));
  return { cells, width: Math.min(columns, rows.length), height: Math.ceil(rows.length / columns) };
}

/** One grid for all units; where a section is chosen, that of its own. As `similarity.cells` has both. */
function bySimilarity(rows, { section }) {
  const isAlone = section !== "" && hasColumn("grid_row");
  const [down, across] = isAlone ? ["grid_row", "grid_col"] : ["map_row", "map_col"];
  const placed = rows.filter((row) => value(down, row) !== null && (!isAlone || model.sections[model.sectionOf[row]].name === section));
  const cells = placed.map((row) => ({ row, x: value(across, row), y: value(down, row) }));
  return { ...bounded(cells), panels: [] };
}

/** Activation atlases, a panel each, in which cells without places are empty. */
function byCell(rows) {
  const placed = rows.filter((row) => value("cell_row", row) !== null && !model.parts[row].variant);
  return panelled(placed, (some) => bounded(some.map((row) => ({ row, x: value("cell_col", row), y: value("cell_row", row) }))));
}

function bounded(cells) {
  const [left, right] = extent(cells.map(({ x }) => x));
  const [top, bottom] = extent(cells.map(({ y }) => y));
  const moved = cells.map(({ row, x, y }) => ({ row, x: x - left, y: y - top }));
  return { cells: moved, width: 1 + right - left, height: 1 + bottom - top };
}

/** The least and the greatest of numbers. */
function extent(numbers) {
  return numbers.reduce(([low, high], one) => [Math.min(low, one), Math.max(high, one)], [Infinity, -Infinity]);
}

/** A panel a section, packed to the shape of most screens; the same on all, as are its addresses. */
function panelled(rows, lay) {
  const parts = groups(rows).map((group) => ({ heading: group.heading, ...lay(rows.slice(group.from, group.to)) }));
  const widest = Math.max(NARROWEST, ...parts.map((part) => part.width));
  const all = parts.reduce((sum, part) => sum + Math.max(NARROWEST, part.width) + 1, 0);
  let best = null;
  for (let across = widest; across <= Math.max(widest, Math.min(all, 4 * widest)); across += 1) {
    for (const isTall of [true, false]) {
      const packing = pack(parts, across, isTall);
      const scale = Math.min(ASPECT / packing.width, 1 / packing.height);
      if (!best || scale > best.scale) best = { ...packing, scale };
    }
  }
  const cells = parts.flatMap((part, number) => part.cells.map((cell) => ({ row: cell.row, x: cell.x + best.places[number].x, y: cell.y + best.places[number].y })));
  const panels = parts.map((part, number) => ({ heading: part.heading, ...best.places[number], width: Math.max(NARROWEST, part.width), height: part.height }));
  return { cells, panels, width: best.width, height: best.height };
}

/**
 * Places for panels in a strip so wide, each in the first free rectangle that holds it. What is
 * left of a rectangle is cut in two: `isTall` gives the corner to what is beside the panel.
 */
function pack(parts, across, isTall) {
  let free = [{ x: 0, y: 0, width: across, height: Infinity }];
  let [width, height] = [1, 1];
  const places = parts.map((part) => {
    const [wide, tall] = [Math.max(NARROWEST, part.width), part.height + HEAD];
    const room = free.find((one) => one.width >= wide && one.height >= tall) ?? { x: 0, y: height, width: across, height: Infinity };
    const right = { x: room.x + wide + 1, y: room.y, width: room.width - wide - 1, height: isTall ? room.height : tall };
    const below = { x: room.x, y: room.y + tall, width: isTall ? wide : room.width, height: room.height - tall };
    free = [...free.filter((one) => one !== room), right, below].filter((one) => one.width > 0 && one.height > 0).sort((a, b) => a.y - b.y || a.x - b.x);
    width = Math.max(width, room.x + wide);
    height = Math.max(height, room.y + tall);
    return { x: room.x, y: room.y + HEAD };
  });
  return { places, width, height };
}
