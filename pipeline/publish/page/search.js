// The search box: words, ids, `column:value` and conditions, joined by and, or, not and brackets.
//
//   mixed4:0-63,100     mixed2 negative     class:dog     activation > 5 layer:mixed4     not alive = false

// What columns go by too; `name` where no unit has one of its own.
const ALIASES = { class: "class_name", id: "unit", name: "class_name" };
const TOKEN = new RegExp(
  [
    String.raw`(?<column>[A-Za-z_]\w*)\s*:?\s*(?<op>==|!=|>=|<=|=|>|<)\s*(?<value>"[^"]*"?|'[^']*'?|[^\s()]+)?`,
    String.raw`(?<field>[A-Za-z_]\w*):\s*(?<text>"[^"]*"?|'[^']*'?)`,
    String.raw`"(?<phrase>[^"]*)"?`,
    String.raw`(?<bracket>[()])`,
    String.raw`(?<word>(?:[^\s()",]|,\s*)+)`,
  ].join("|"),
  "g",
);
const COMPARISONS = {
  "==": (a, b) => a === b,
  "=": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  ">": (a, b) => a > b,
  "<": (a, b) => a < b,
  ">=": (a, b) => a >= b,
  "<=": (a, b) => a <= b,
};

const ALL = () => true; // of what is half typed or wrong: it hides nothing, negated or not

/** A query as a test of rows, and what is wrong with it, in words. */
function parseQuery(text) {
  const plain = text.replaceAll("≥", ">=").replaceAll("≤", "<=").replaceAll("≠", "!=");
  const tokens = [...plain.matchAll(TOKEN)].map((match) => ({ ...match.groups, whole: match[0] }));
  const reading = { tokens, at: 0, problems: [] };
  const tests = [];
  while (reading.at < tokens.length) {
    tests.push(anyOf(reading));
    if (reading.at < tokens.length) problem("A bracket closes nothing: expected ( before )", reading);
    reading.at += 1;
  }
  return { test: every(tests), problems: reading.problems };
}

function every(tests) {
  const real = tests.filter((test) => test !== ALL);
  return real.length ? (row) => real.every((test) => test(row)) : ALL;
}

function some(tests) {
  const real = tests.filter((test) => test !== ALL);
  return real.length ? (row) => real.some((test) => test(row)) : ALL;
}

function anyOf(reading) {
  const tests = [allOf(reading)];
  while (isWord(reading, "or", "|", "||")) {
    reading.at += 1;
    tests.push(allOf(reading));
  }
  return some(tests);
}

function allOf(reading) {
  const tests = [];
  for (let token = reading.tokens[reading.at]; token; token = reading.tokens[reading.at]) {
    if (isWord(reading, "or", "|", "||") || token.bracket === ")") break;
    if (isWord(reading, "and", "&", "&&")) reading.at += 1;
    else tests.push(one(reading));
  }
  return every(tests);
}

function one(reading) {
  const token = reading.tokens[reading.at];
  if (token === undefined || token.bracket === ")") return ALL;
  reading.at += 1;
  if (token.word?.toLowerCase() === "not" || token.word === "!") {
    const test = one(reading);
    return test === ALL ? ALL : (row) => !test(row);
  }
  if (token.bracket) {
    const test = anyOf(reading);
    if (reading.at >= reading.tokens.length) problem("A bracket is not closed: expected )", reading);
    reading.at += 1; // the bracket that closes
    return test;
  }
  const whole = token.phrase ?? token.whole;
  if (patternOf(whole) && !columnNamed(token.field ?? "")) return word(whole, reading);
  if (token.column) return condition(token.column, token.op, unquoted((token.value ?? "").replace(/,+$/, "")), reading);
  if (token.field) return field(token.field, [unquoted(token.text)], reading);
  if (token.phrase !== undefined) return contains(token.phrase);
  return word(token.word, reading);
}

function isWord(reading, ...words) {
  return words.includes(reading.tokens[reading.at]?.word?.toLowerCase());
}

function unquoted(text) {
  return /^["']/.test(text) ? text.slice(1).replace(/["']$/, "") : text;
}

function word(given, reading) {
  const text = given.trim().replace(/,\s+/g, ",").replace(/^,+|,+$/g, "");
  const colon = text.indexOf(":");
  if (colon > 0 && columnNamed(text.slice(0, colon)) && !model.rowOf.has(text)) {
    return field(text.slice(0, colon), valuesOf(text.slice(colon + 1), reading), reading);
  }
  const items = text.split(/,(?=[^,]*[:/])/);
  if (items.length > 1) return some(items.map((item) => word(item, reading)));
  const pattern = patternOf(text);
  if (pattern) return selected(text, pattern, reading);
  if (/^[<>=!]/.test(text)) return problem(`${text}: expected a column before it, as in activation > 5`, reading);
  if (/^\d+$/.test(text)) {
    return (row) => value("channel", row) === Number(text) || value("class_index", row) === Number(text);
  }
  return isAnywhere(text) ? contains(text) : elsewhere(text, colon, reading);
}

/** The values after a column's colon; a blank may stand before them. */
function valuesOf(text, reading) {
  let values = text;
  if (values === "" && reading.tokens[reading.at]?.word && !isWord(reading, "and", "or", "not", "&", "&&", "|", "||", "!")) {
    values = reading.tokens[reading.at].word;
    reading.at += 1;
  }
  return values.split(",").map((one) => one.trim()).filter(Boolean);
}

/** A word that is in no unit's texts: a list, a column half typed, a layer that is not there. */
function elsewhere(text, colon, reading) {
  if (text.includes(",")) return some(text.split(",").filter(Boolean).map((part) => word(part, reading)));
  if (colon > 0) {
    const start = text.slice(0, colon).replace(/^-/, "").toLowerCase();
    const isStart = /^(all)?$/i.test(text.slice(colon + 1)) && [...model.heads.keys()].some((head) => head.toLowerCase().startsWith(start));
    if (isStart) return (row) => model.parts[row].head.toLowerCase().startsWith(start) && (!text.startsWith("-") || model.parts[row].negative);
    return unknown(text.slice(0, colon), reading, [...model.columns.keys(), ...model.heads.values()], "column or layer");
  }
  if (["not", "and", "or"].some((one) => one.startsWith(text.toLowerCase()))) return ALL;
  const column = [...model.columns.keys()].find((name) => name.startsWith(text.toLowerCase()));
  return column ? problem(`${column} is a column: expected a comparison, as in activation > 5`, reading) : contains(text);
}

function isAnywhere(text) {
  const small = text.toLowerCase();
  return model.texts.some((one) => one.includes(small));
}

function contains(text) {
  const small = text.toLowerCase();
  return (row) => model.texts[row].includes(small);
}

/** Units by a pattern, such as mixed4:0-63,100 or mixed4:3@center, in any case; null of other texts. */
function patternOf(text) {
  for (const mark of [":", "/"]) {
    const at = text.lastIndexOf(mark);
    const parts = at > 0 ? partsOf(`${text.slice(0, at)}:${text.slice(at + 1)}`) : null;
    const head = parts && (model.heads.get(parts.head) ?? model.heads.get(parts.head.toLowerCase()));
    if (head !== null && head !== undefined) return { ...parts, head };
  }
  return null;
}

/** The row of the one unit that a text names, in any case, with `/` for `:`, or at the center. */
function unitNamed(text) {
  const pattern = patternOf(text.trim());
  if (model.rowOf.has(text) || !pattern) return model.rowOf.get(text);
  const { negative, head, number, place, variant } = pattern;
  const at = place.toLowerCase() === "center" ? model.centers[head.replace(/^:/, "")] : place;
  const id = `${negative ? "-" : ""}${head}:${number.replace(/^0+(?=\d)/, "")}${at ? `@${at}` : ""}${variant ? `#${variant}` : ""}`;
  return model.rowOf.get(id) ?? model.folded.get(id.toLowerCase());
}

/** A unit is found with its variants, its neurons and its negative direction. */
function selected(text, { negative, head, number, place, variant }, reading) {
  const isMiddle = place !== "" && "center".startsWith(place.toLowerCase());
  const wanted = isMiddle ? (model.centers[head.replace(/^:/, "")] ?? "") : place;
  const items = number.split(",").filter((item) => !/^(all)?$/i.test(item)).map((item) => numbered(item, head));
  if (items.includes(null) && isAnywhere(text)) return contains(text); // half a name
  if (items.includes(null)) return problem(`${text}: expected numbers, as in ${head}:0-63,100`, reading);
  if (wanted && !/^\d+(,\d*)?$/.test(wanted)) return problem(`${text}: expected a row and a column, as in @2,3, or @center`, reading);
  if (Number.isNaN(variant)) return problem(`${text}: expected a variant's number, as in ${head}:0#1`, reading);
  const isPlace = wanted.includes(",") && !wanted.endsWith(",") ? (one) => one === wanted : (one) => one.startsWith(wanted);
  return (row) => {
    const unit = model.parts[row];
    return (
      unit.head === head &&
      (!negative || unit.negative) &&
      (!wanted || isPlace(unit.place)) &&
      (!text.includes("#") || unit.variant === variant) &&
      (!items.length || items.some((is) => is(unit.number)))
    );
  };
}

/** A number, a range, or a name that stands after a colon, as a test of it; null of anything else. */
function numbered(item, head) {
  const range = /^(\d+)(?:-(\d*))?$/.exec(item);
  if (range) {
    const ends = [Number(range[1]), Number(range[2] || range[1])];
    return (number) => Number(number) >= Math.min(...ends) && Number(number) <= Math.max(...ends);
  }
  const small = item.toLowerCase();
  const isName = model.ids.some((_, row) => model.parts[row].head === head && model.parts[row].number.toLowerCase() === small);
  return isName ? (number) => number.toLowerCase() === small : null;
}

/** `column:value` or a list of values: of texts a part will do, of numbers `5..10` and `>5` too. */
function field(name, texts, reading) {
  const column = columnNamed(name);
  if (!column) return unknown(name, reading);
  if (!texts.length) return condition(name, ":", "", reading);
  return some(texts.map((text) => fieldOf(column, text, reading)));
}

function fieldOf(column, text, reading) {
  const range = /^(-?[\d.e+-]*)\.\.(-?[\d.e+-]*)$/.exec(text);
  if (column.kind === "number" && range) {
    const low = range[1] === "" ? -Infinity : Number(range[1]);
    const high = range[2] === "" ? Infinity : Number(range[2]);
    if (Number.isNaN(low) || Number.isNaN(high)) return problem(`${column.name}:${text}: expected a range, as in 5..10`, reading);
    return (row) => column.values[row] !== null && column.values[row] >= low && column.values[row] <= high;
  }
  const comparison = /^(==|!=|>=|<=|=|>|<)(.*)$/.exec(text);
  if (comparison) return condition(column.name, comparison[1], comparison[2], reading);
  if (column.kind !== "text") return condition(column.name, "=", text, reading);
  const small = text.toLowerCase();
  if (column.name === "layer") {
    const layers = [...new Set(column.values.flatMap((one) => one?.split("+") ?? []))];
    if (layers.some((one) => one.toLowerCase() === small)) return (row) => (column.values[row] ?? "").toLowerCase().split("+").includes(small);
    if (!layers.some((one) => one.toLowerCase().includes(small))) return unknown(text, reading, layers, "layer");
  }
  return (row) => (column.values[row] ?? "").toLowerCase().includes(small);
}

function condition(name, op, text, reading) {
  const column = columnNamed(name);
  if (!column) return unknown(name, reading);
  const wanted = asKind(text, column.kind);
  if (wanted === null) {
    const expected = { number: "a number", truth: "true or false", text: "a text" }[column.kind];
    return problem(`${`${column.name} ${op} ${text}`.trim()}: expected ${expected}`, reading);
  }
  const compare = COMPARISONS[op];
  if (column.kind === "text") {
    const near = column.values.find((one) => one?.toLowerCase().startsWith(wanted));
    const isThere = column.values.some((one) => one?.toLowerCase() === wanted);
    if (!isThere && near && /^==?$/.test(op)) return problem(`${column.name} ${op} ${text}: no unit has that; did you mean ${near}?`, reading);
    return (row) => column.values[row] !== null && compare(column.values[row].toLowerCase(), wanted);
  }
  return (row) => column.values[row] !== null && compare(column.values[row], wanted);
}

function asKind(text, kind) {
  if (kind === "truth") return { true: true, yes: true, 1: true, false: false, no: false, 0: false }[text.toLowerCase()] ?? null;
  if (text.trim() === "") return null;
  if (kind === "text") return text.toLowerCase();
  return Number.isNaN(Number(text)) ? null : Number(text);
}

function columnNamed(name) {
  const alias = ALIASES[name.toLowerCase()];
  const own = model.columns.get(name);
  return own && !(alias && own.isEmpty) ? own : model.columns.get(alias ?? name.toLowerCase());
}

function unknown(name, reading, names = [...model.columns.keys()], what = "column") {
  const near = names.map((other) => [distance(name.toLowerCase(), other.toLowerCase()), other]).sort((a, b) => a[0] - b[0])[0];
  const hint = near && near[0] <= Math.max(2, name.length / 3) ? `; did you mean ${near[1]}?` : ` (there are ${names.join(", ")})`;
  return problem(`There is no ${what} ${name}${hint}`, reading);
}

function problem(text, reading) {
  reading.problems.push(text);
  return ALL;
}

/** Levenshtein's distance. */
function distance(a, b) {
  let before = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (let i = 1; i <= a.length; i += 1) {
    const here = [i];
    for (let j = 1; j <= b.length; j += 1) {
      here[j] = Math.min(before[j] + 1, here[j - 1] + 1, before[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    before = here;
  }
  return before[b.length];
}
