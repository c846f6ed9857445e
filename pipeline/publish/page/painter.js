// What the map looks like: pictures, their rims of colour and names, headings.

const COLOURED = 12; // below this many pixels of the screen a unit is its mean colour
const SHARP = 1.2; // from this many pixels a sheet's pixel on, units have their own pictures
const LABELLED = 56; // from this many pixels of a unit on, its name stands in it
const NAMED = 120; // from this many on, its whole id does
const RINGED = 16; // from this many on, a colour is a rim round a picture; below, a dot or a tint
const BAR = 17; // pixels that a name takes

function drawMap(map) {
  const { pen, across, down, ratio } = map;
  const style = getComputedStyle(map.canvas);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, across, down);
  pen.imageSmoothingQuality = "high";
  const side = map.side();
  const seen = map.cells.map((cell) => ({ cell, ...map.boxOf(cell) })).filter(({ x, y }) => x + side > 0 && x < across && y + side > 0 && y < down);
  if (map.axes) drawGrid(map, style);
  for (const { cell, x, y, side: wide } of seen) {
    pen.globalAlpha = map.found.has(cell.row) ? 1 : 0.1;
    drawUnit(map, cell.row, x, y, wide, style);
  }
  pen.globalAlpha = 1;
  if (side > LABELLED) drawNames(map, seen);
  drawHeadings(map, side, style);
  if (map.axes) drawAxes(map, style);
  drawMarks(map, style);
}

/** A unit's picture and the colour that says something of it. */
function drawUnit(map, row, x, y, side, style) {
  const colour = map.palette?.of(row);
  if (side < RINGED && (colour || map.axes)) {
    drawDot(map, colour ?? (map.palette ? null : colourOf(row)), x, y, side, style);
    return;
  }
  paint(map, row, x, y, side);
  if (!colour) return;
  const { pen } = map;
  const wide = Math.min(6, Math.max(2.5, side * 0.07));
  pen.lineWidth = wide + 1.5;
  pen.strokeStyle = style.color;
  pen.strokeRect(x, y, side, side);
  pen.lineWidth = wide;
  pen.strokeStyle = colour;
  pen.strokeRect(x, y, side, side);
}

/** A round dot on axes; in a grid the whole cell. Hollow where the unit has no colour. */
function drawDot(map, colour, x, y, side, style) {
  const { pen } = map;
  pen.fillStyle = colour ?? "#8888";
  if (!map.axes) {
    pen.fillRect(x, y, side, side);
    return;
  }
  pen.beginPath();
  pen.arc(x + side / 2, y + side / 2, Math.max(3, side / 2 - 1), 0, 7);
  if (colour) pen.fill();
  pen.strokeStyle = style.color;
  pen.lineWidth = 0.75;
  pen.stroke();
}

function paint(map, row, x, y, side) {
  const { pen } = map;
  const batch = model.batches[model.batchOf[row]];
  if (!batch) {
    pen.fillStyle = "#8884";
    pen.fillRect(x, y, side, side);
    return;
  }
  const isSeen = side * map.ratio >= COLOURED;
  const own = side * map.ratio > SHARP * model.tile ? map.picture(thumbOf(row)) : null;
  if (own) {
    pen.drawImage(own, x, y, side, side);
    return;
  }
  const sheet = isSeen ? map.picture(`${batch.at ?? ""}${batch.sheet}`) : null;
  if (sheet) {
    const place = model.placeOf[row];
    const [column, line] = [place % batch.columns, Math.floor(place / batch.columns)];
    pen.drawImage(sheet, column * model.tile, line * model.tile, model.tile, model.tile, x, y, side, side);
  } else {
    pen.fillStyle = colourOf(row);
    pen.fillRect(x, y, side, side);
  }
}

/** Names on the lower edges of units, none over another; where two meet, the one on top is told. */
function drawNames(map, seen) {
  const { pen } = map;
  const taken = [];
  pen.font = "600 11px system-ui, sans-serif";
  pen.textBaseline = "alphabetic";
  for (const { cell, x, y, side } of [...seen].reverse()) {
    const text = map.found.has(cell.row) ? nameOnMap(map, cell.row, side) : "";
    const top = y + side - BAR;
    if (!text || taken.some((one) => x < one.x + one.side && one.x < x + side && top < one.top + BAR && one.top < top + BAR)) continue;
    taken.push({ x, side, top });
    pen.fillStyle = "#000c";
    pen.fillRect(x, top, side, BAR);
    pen.fillStyle = "#fff";
    pen.fillText(cutText(pen, text, side - 8), x + 4, y + side - 5);
  }
}

/** A unit's name where it is drawn so large: its number, then its whole id, and what it is called. */
function nameOnMap(map, row, side) {
  const called = value("class_name", row) ?? value("name", row);
  if (map.layout === "activations") return called ?? "";
  const { negative, number, place, variant } = model.parts[row];
  const isShort = side < NAMED && map.panels.length > 0 && number !== undefined;
  const short = `${negative ? "−" : ""}${number}${place ? `@${place}` : ""}${variant ? `#${variant}` : ""}`;
  return [isShort ? short : model.ids[row], called].filter(Boolean).join(" ");
}

function drawHeadings(map, side, style) {
  const { pen } = map;
  pen.fillStyle = style.color;
  pen.textBaseline = "alphabetic";
  pen.font = `600 ${Math.max(11, Math.min(20, side * 0.7))}px system-ui, sans-serif`;
  for (const panel of map.panels) {
    const [x, y] = map.toPixel(panel.x, panel.y);
    pen.fillText(cutText(pen, panel.heading, roomOf(map, panel) * map.view.scale), x, y - Math.max(3, side * 0.18));
  }
}

/** Cells that a panel's heading may take: up to what stands beside it, or to the edge. */
function roomOf(map, panel) {
  const beside = map.panels.filter((one) => one.x > panel.x && one.y - HEAD < panel.y && panel.y - HEAD < one.y + one.height);
  const edge = Math.max(panel.x + panel.width, map.toCell(map.across, 0)[0]);
  return Math.min(edge, ...beside.map((one) => one.x - 0.5)) - panel.x;
}

/** As much of a text as fits. */
function cutText(pen, text, width) {
  let kept = text;
  while (kept && pen.measureText(kept === text ? text : `${kept}…`).width > width) kept = kept.slice(0, -1);
  return kept === text ? text : kept && `${kept}…`;
}

/** Frames round what is chosen, and round what has the keyboard. */
function drawMarks(map, style) {
  const isKeyed = document.activeElement === map.canvas;
  for (const number of new Set([map.pinned, isKeyed ? map.active : -1])) {
    const cell = map.cells[number];
    if (!cell) continue;
    const { x, y, side } = map.boxOf(cell);
    for (const [colour, width] of [[style.backgroundColor, 6], [style.outlineColor, 3]]) {
      map.pen.strokeStyle = colour;
      map.pen.lineWidth = width;
      map.pen.strokeRect(x - 2.5, y - 2.5, side + 5, side + 5);
    }
  }
}
