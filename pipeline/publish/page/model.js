// The atlas as the page knows it: its index by columns, its pictures, and what is told of a unit
// when it is opened.

const model = {
  ready: false,
  rows: 0,
  columns: new Map(),
  details: new Map(),
  sections: [],
};

// Every address that the page loads is a file of its own folder.
const LOADED = /^(?:(?:[a-z0-9_]+\/(?:site\/)?)?data\/[0-9a-f]{20}\.js|data\/now\.js\?\d+)$/;
const policy = globalThis.trustedTypes?.createPolicy("atlas", {
  createScriptURL: (name) => {
    if (!LOADED.test(name)) throw new TypeError(`not a part of this atlas: ${name}`);
    return name;
  },
});

function takeData(data) {
  const { rows } = data;
  for (const [name, encoded] of Object.entries(data.columns)) {
    model.columns.set(name, columnOf(name, encoded, rows));
  }
  Object.assign(model, {
    rows,
    network: data.network,
    madeOf: data.made_of,
    facts: data.facts,
    options: data.options,
    kinds: data.kinds,
    meanings: data.meanings,
    terms: data.terms,
    builders: data.builders,
    order: data.order,
    fingerprint: data.fingerprint,
    pictured: data.pictured,
    judge: data.judge,
    centers: data.centers,
    size: data.size,
    tile: data.tile,
    counts: data.counts,
    ids: model.columns.get("unit").values,
    batchOf: new Int32Array(rows).fill(-1),
    placeOf: new Int32Array(rows),
    batches: data.batches,
  });
  model.rowOf = new Map(model.ids.map((id, row) => [id, row]));
  takeTogether(data);
  model.batches.forEach((batch, number) => {
    if (!isOwnBatch(batch)) return;
    batch.units.forEach((id, place) => {
      const row = model.rowOf.get(id);
      if (row === undefined) return; // the configuration no longer names it
      model.batchOf[row] = number;
      model.placeOf[row] = place;
    });
  });
  takeSections(data.sections);
  // What is known of every unit is made when it is first asked for, and the parts of ids each time:
  // of many thousand units, most are never looked at.
  late("texts", () => model.ids.map((_, row) => searched(row)));
  late("heads", headsOf);
  late("folded", () => new Map(model.ids.map((id, row) => [id.toLowerCase(), row])));
  model.parts = new Proxy({}, { get: (_, row) => ({ ...partsOf(model.ids[row]), ...partsNoted(model.ids[row], row) }) });
  model.ready = true;
}

/** Have the model make something of its own when it is first asked for it. */
function late(name, make) {
  Object.defineProperty(model, name, {
    configurable: true,
    get: () => {
      const made = make();
      Object.defineProperty(model, name, { value: made });
      return made;
    },
  });
}

/** Whether what the model makes of its own was asked for. */
function isMade(name) {
  return Object.getOwnPropertyDescriptor(model, name).get === undefined;
}

/** What stands before the numbers of ids, as it is and in small letters. */
function headsOf() {
  const heads = new Set(model.ids.map((_, row) => model.parts[row].head));
  return new Map([...[...heads].map((head) => [head.toLowerCase(), head]), ...[...heads].map((head) => [head, head])]);
}

function takeSections(sections) {
  let first = 0;
  model.sectionOf = new Int32Array(model.rows);
  model.sections = sections.map((section, number) => {
    model.sectionOf.fill(number, first, first + section.count);
    const placed = { ...section, first, sorted: new Map() };
    first += section.count;
    return placed;
  });
}

/** A column: its values, `null` where there is none, read when they are asked for; and their kind. */
function columnOf(name, encoded, rows) {
  let values = null;
  const read = () => {
    const { codes, names, all, floats, values: listed } = encoded;
    encoded = null;
    if (codes) return JSON.parse(codes).map((code) => names[code]);
    if (floats) return floatsOf(floats);
    return listed ? JSON.parse(listed) : new Array(rows).fill(all);
  };
  return { name, kind: encoded.kind || "text", isEmpty: !encoded.kind, get values() { return (values ??= read()); } };
}

/** Numbers of 32 bits from base64, `null` where there is none. */
function floatsOf(text) {
  const read = atob(text);
  const bytes = new Uint8Array(read.length);
  for (let place = 0; place < read.length; place++) bytes[place] = read.charCodeAt(place);
  return Array.from(new Float32Array(bytes.buffer), (number) => (Number.isNaN(number) ? null : shortest(number)));
}

/** The number of fewest digits that 32 bits hold as this one: 0.1 for 0.10000000149. */
function shortest(number) {
  const size = Math.abs(number);
  if (size >= 1e-3 && size < 1e6) {
    // 24 bits times a power of ten up to 12 are exact, so this rounds as writing it out would.
    for (let scale = 10 ** Math.max(0, 4 - Math.floor(Math.log10(size))); ; scale *= 10) {
      const rounded = Math.round(size * scale) / scale;
      if (Math.fround(rounded) === size) return Math.sign(number) * rounded;
    }
  }
  for (let digits = 1; ; digits++) {
    const written = Number(number.toPrecision(digits));
    if (Math.fround(written) === number) return written;
  }
}

/** Whether a unit's picture is known not to tell what excites the unit. */
function isDoubtful(row) {
  return value("tells", row) === false;
}

function value(name, row) {
  return model.columns.get(name)?.values[row] ?? null;
}

function hasColumn(name) {
  const column = model.columns.get(name);
  return column !== undefined && !column.isEmpty;
}

/** What stands in a row for a word of a search. */
function searched(row) {
  const names = ["unit", "layer", "kind", "class_name", "direction", "status", "name", "note", "called"];
  return names.map((name) => value(name, row) ?? "").join("\n").toLowerCase();
}

/** The parts of an id such as -mixed4:42@2,3#1. */
function partsOf(id) {
  const negative = id.startsWith("-");
  const body = negative ? id.slice(1) : id;
  const colon = body.lastIndexOf(":");
  const [rest, variant = "0"] = body.slice(colon + 1).split("#");
  const [number, place = ""] = rest.split("@");
  return { negative, head: body.slice(0, colon), number, place, variant: Number(variant) };
}

/** What the index says of a unit's parts, as names of layers may hold what marks them. */
function partsNoted(id, row) {
  const [y, x] = [value("y", row), value("x", row)];
  const noted = { negative: value("direction", row) === "negative", variant: value("variant", row) ?? 0, place: y === null ? "" : `${y},${x}` };
  const isPlain = ["channel", "class_index", "closest_channel"].some((name) => value(name, row) !== null);
  if (isPlain) return noted;
  const body = noted.negative ? id.slice(1) : id;
  const [head] = body.split(":", 1);
  return { ...noted, head, number: body.slice(head.length + 1, noted.variant ? -`#${noted.variant}`.length : undefined) };
}

// Pictures -------------------------------------------------------------------------------------

function imageOf(row) {
  return pictureOf(row, "images");
}

function thumbOf(row) {
  return pictureOf(row, "thumbs");
}

function pictureOf(row, kind) {
  const batch = model.batches[model.batchOf[row]];
  return batch ? fileIn(batch, model.placeOf[row], kind) : null;
}

/** The file of a batch's picture, whole (`images`) or small (`thumbs`). */
function fileIn(batch, place, kind) {
  const name = batch.images[place];
  return `${batch.at ?? ""}${kind}/${kind === "thumbs" ? name.replace(/png$/, "webp") : name}`;
}

/** The mean colour of a unit's picture. */
function colourOf(row) {
  const batch = model.batches[model.batchOf[row]];
  return batch ? colourIn(batch, model.placeOf[row]) : null;
}

function colourIn(batch, place) {
  return `#${batch.colours.slice(6 * place, 6 * place + 6)}`;
}

// What is told of a unit -----------------------------------------------------------------------

globalThis.atlasDetails = (units) => {
  for (const [id, told] of Object.entries(units)) model.details.set(id, told);
};

/** What is told of a unit, loaded with its batch; null where it is not done. */
async function detailsOf(row) {
  const batch = model.batches[model.batchOf[row]];
  if (!batch) return null;
  if (model.together) return detailsIn(together.sides[batch.side], model.ids[row]);
  if (!model.details.has(model.ids[row])) await load(batch.details);
  return model.details.get(model.ids[row]) ?? null;
}

function load(name) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = policy ? policy.createScriptURL(name) : name;
    script.onload = () => { script.remove(); resolve(); };
    script.onerror = () => { script.remove(); reject(new Error(`${name} is not there`)); };
    document.head.append(script);
  });
}

/** A unit's whole row, as the index has it. */
function rowAsJson(row, told) {
  const whole = {};
  for (const [name, column] of model.columns) whole[name] = column.values[row];
  for (const [name, one] of Object.entries(told ?? {})) {
    if (!["trajectory", "film", "examples", "excites", "circuit", "naming", "trial"].includes(name)) whole[name] = one;
  }
  return whole;
}

// Distributions --------------------------------------------------------------------------------

/** A column's numbers in a unit's section, sorted. */
function spreadOf(row, name) {
  const section = model.sections[model.sectionOf[row]];
  if (!section.sorted.has(name)) {
    const all = model.columns.get(name).values.slice(section.first, section.first + section.count);
    const numbers = all.filter((one) => one !== null);
    section.sorted.set(name, Float64Array.from(numbers).sort());
  }
  return section.sorted.get(name);
}

/** How many of sorted numbers are below one, equal to it, and above. */
function placeAmong(sorted, number) {
  const below = countWhere(sorted, (one) => one < number);
  const above = sorted.length - countWhere(sorted, (one) => one <= number);
  return { below, alike: sorted.length - below - above, above };
}

/** How many numbers, of those a test holds for up to some place. */
function countWhere(sorted, test) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (test(sorted[middle])) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Words ----------------------------------------------------------------------------------------

/** What a unit is, in words. */
function described(row) {
  const { negative, variant, head, number } = model.parts[row];
  const name = value("class_name", row);
  const words = {
    number: value("channel", row) ?? value("class_index", row),
    layers: (value("layer", row) ?? "").replaceAll("+", " and "),
    row: value("y", row),
    column: value("x", row),
    name: name ? `, ${name}` : "",
    said: number,
    source: (head ?? "").split("@dir/")[1] ?? "its channels",
  };
  const what = model.kinds[value("kind", row)].replace(/\{(\w+)\}/g, (_, word) => words[word]);
  const closest = value("closest_channel", row);
  const share = value("variance_share", row);
  const like = closest ? `, most like ${closest} (cosine ${shown(value("closest_cosine", row), 2)})` : "";
  const isFor = closest && name ? `, for ${name}` : "";
  const explains = share === null ? "" : `, ${shown(100 * share, 2)} % of the variance`;
  const own = value("called", row) ?? value("name", row);
  const called = own ? `, called ${own}` : "";
  const state = value("status", row) === "unavailable" ? ", unavailable" : "";
  return what + (negative ? ", negative direction" : "") + (variant ? `, variant ${variant}` : "") + isFor + like + explains + called + state;
}

function shown(number, digits = 4) {
  if (number === null || number === undefined) return "–";
  if (typeof number !== "number") return String(number);
  if (Number.isInteger(number)) return number.toLocaleString("en");
  const size = Math.abs(number);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? number.toExponential(2) : String(Number(number.toPrecision(digits)));
}

function counted(number, what) {
  return `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;
}
