// The map with two columns of the index as its axes.

const WIDE = 36; // cells across, from end to end of an axis
const TALL = 20;
const AXIS = 30; // pixels of the strip that an axis' numbers stand in

/** Units where two of their numbers put them; those without both are left out. */
function byAxes(rows, { x, y }) {
  const known = numberColumns();
  const across = known.includes(x) ? x : "activation";
  const up = known.includes(y) ? y : known.find((name) => name === "selectivity") ?? known.find((name) => name !== across) ?? across;
  const placed = rows.filter((row) => value(across, row) !== null && value(up, row) !== null);
  const axes = { x: axisFor(across, placed, WIDE), y: axisFor(up, placed, TALL), lacking: rows.length - placed.length };
  const cells = placed.map((row) => ({ row, x: axes.x.at(value(across, row)) - 0.5, y: TALL - axes.y.at(value(up, row)) - 0.5 }));
  return { cells, axes, panels: [], width: WIDE, height: TALL };
}

function axisFor(name, rows, length) {
  const numbers = rows.map((row) => value(name, row));
  const ticks = ticksOf(...extent(numbers), 6);
  const [low, high] = numbers.length ? [ticks[0], ticks.at(-1)] : [0, 1];
  return { name, low, high, length, at: (one) => (length * (one - low)) / (high - low), back: (place) => low + ((high - low) * place) / length };
}

/** How large a unit's picture is, in pixels: it grows more slowly than the distances do. */
function looseSide(scale, count) {
  const start = count > 4000 ? 5 : count > 1500 ? 8 : 12;
  return Math.min(160, Math.max(6, Math.min(start, scale * 0.45) + scale * 0.16));
}

/** The lines of an axis' round numbers behind the units. */
function drawGrid(map, style) {
  const { pen } = map;
  pen.strokeStyle = style.color;
  pen.globalAlpha = 0.14;
  pen.lineWidth = 1;
  pen.beginPath();
  for (const { at } of ticksAcross(map)) { pen.moveTo(at, 0); pen.lineTo(at, map.down); }
  for (const { at } of ticksUp(map)) { pen.moveTo(0, at); pen.lineTo(map.across, at); }
  pen.stroke();
  pen.globalAlpha = 1;
}

/** The numbers and names of both axes, along the map's edges, over the units. */
function drawAxes(map, style) {
  const { pen, across, down, axes } = map;
  pen.fillStyle = style.backgroundColor;
  pen.globalAlpha = 0.9;
  pen.fillRect(0, down - AXIS, across, AXIS);
  pen.fillRect(0, 0, AXIS + 18, down - AXIS);
  pen.globalAlpha = 1;
  pen.fillStyle = style.color;
  pen.font = "12px system-ui, sans-serif";
  pen.textBaseline = "alphabetic";
  pen.textAlign = "center";
  const name = labelOf(axes.x.name);
  const end = across - 12;
  pen.font = "600 12px system-ui, sans-serif";
  const room = end - pen.measureText(`${name} →`).width - 12;
  pen.textAlign = "right";
  pen.fillText(`${name} →`, end, down - 10);
  pen.textAlign = "left";
  pen.fillText(`↑ ${labelOf(axes.y.name)}`, 6, 16);
  pen.font = "12px system-ui, sans-serif";
  pen.textAlign = "center";
  for (const { at, text } of ticksAcross(map)) if (at > AXIS + 30 && at + pen.measureText(text).width / 2 < room) pen.fillText(text, at, down - 10);
  pen.textAlign = "right";
  for (const { at, text } of ticksUp(map)) if (at > 34 && at < down - AXIS - 4) pen.fillText(text, AXIS + 12, at + 4);
  pen.textAlign = "left";
}

function ticksAcross(map) {
  const { axes: { x }, across } = map;
  const [from, to] = [map.toCell(0, 0)[0], map.toCell(across, 0)[0]].map(x.back);
  return ticksOf(from, to, Math.max(2, across / 120)).map((one) => ({ at: map.toPixel(x.at(one), 0)[0], text: shown(one, 4) }));
}

function ticksUp(map) {
  const { axes: { y }, down } = map;
  const [to, from] = [map.toCell(0, 0)[1], map.toCell(0, down)[1]].map((place) => y.back(TALL - place));
  return ticksOf(from, to, Math.max(2, down / 80)).map((one) => ({ at: map.toPixel(0, TALL - y.at(one))[1], text: shown(one, 4) }));
}
