// The search box: words, ids, `column:value` and conditions, joined by and, or, not and brackets.
//
//   mixed4:0-63,100     mixed2 negative     class:dog     activation > 5 layer:mixed4     not alive = false

const ALIASES = { class: "class_name", id: "unit", name: "class_name" };
const TOKEN = new RegExp(
  [
    String.raw`(?<column>[A-Za-z_]\w*)\s*(?<op>==|!=|>=|<=|=|>|<)\s*(?<value>"[^"]*"?|'[^']*'?|[^\s()]+)`,
    String.raw`(?<field>[A-Za-z_]\w*):(?<text>"[^"]*"?|'[^']*'?)`,
    String.raw`"(?<phrase>[^"]*)"?`,
    String.raw`(?<bracket>[()])`,
    String.raw`(?<word>[^\s()"]+)`,
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

/** A query as a test of rows, and what is wrong with it, in words. */
function parseQuery(text) {
  const reading = { tokens: [...text.matchAll(TOKEN)].map((match) => match.groups), at: 0, problems: [] };
  const tests = [];
  while (reading.at < reading.tokens.length) {
    tests.push(anyOf(reading));
    if (reading.at < reading.tokens.length) reading.at += 1; // a bracket that closes nothing
  }
  return { test: (row) => tests.every((test) => test(row)), problems: reading.problems };
}

function anyOf(reading) {
  const tests = [allOf(reading)];
  while (isWord(reading, "or", "|", "||")) {
    reading.at += 1;
    tests.push(allOf(reading));
  }
  return tests.length === 1 ? tests[0] : (row) => tests.some((test) => test(row));
}

function allOf(reading) {
  const tests = [];
  for (let token = reading.tokens[reading.at]; token; token = reading.tokens[reading.at]) {
    if (isWord(reading, "or", "|", "||") || token.bracket === ")") break;
    if (isWord(reading, "and", "&", "&&")) reading.at += 1;
    else tests.push(one(reading));
  }
  return (row) => tests.every((test) => test(row));
}

function one(reading) {
  const token = reading.tokens[reading.at];
  if (token === undefined) return () => true;
  reading.at += 1;
  if (token.word?.toLowerCase() === "not" || token.word === "!") {
    const test = one(reading);
    return (row) => !test(row);
  }
  if (token.bracket === "(") {
    const test = anyOf(reading);
    reading.at += 1; // the bracket that closes
    return test;
  }
  if (token.bracket) return () => true;
  if (token.column) return condition(token.column, token.op, unquoted(token.value), reading);
  if (token.field) return field(token.field, unquoted(token.text), reading);
  if (token.phrase !== undefined) return contains(token.phrase);
  return word(token.word, reading);
}

function isWord(reading, ...words) {
  return words.includes(reading.tokens[reading.at]?.word?.toLowerCase());
}

function unquoted(text) {
  return /^["']/.test(text) ? text.slice(1).replace(/["']$/, "") : text;
}

function word(text, reading) {
  const colon = text.indexOf(":");
  if (colon > 0 && columnNamed(text.slice(0, colon))) {
    return field(text.slice(0, colon), text.slice(colon + 1), reading);
  }
  if (model.rowOf.has(text)) return (row) => isOfUnit(row, text);
  if (colon > 0) return selected(text);
  if (/^\d+$/.test(text)) {
    return (row) => value("channel", row) === Number(text) || value("class_index", row) === Number(text);
  }
  return contains(text);
}

function contains(text) {
  const small = text.toLowerCase();
  return (row) => model.texts[row].includes(small);
}

/** A unit and its variants. */
function isOfUnit(row, id) {
  return model.ids[row] === id || model.ids[row].startsWith(`${id}#`);
}

/** Units by a pattern as in mixed4:0-63,100 or mixed4:3@2,2. */
function selected(text) {
  const wanted = partsOf(text);
  const ranges = wanted.number.split(",").map((part) => /^(\d+)(?:-(\d+))?$/.exec(part));
  if (wanted.number === "" || wanted.number === "all") {
    return (row) => model.parts[row].head.startsWith(wanted.head) && (!wanted.negative || model.parts[row].negative);
  }
  if (ranges.some((range) => range === null)) return contains(text);
  return (row) => {
    const unit = model.parts[row];
    const number = Number(unit.number);
    return (
      unit.head === wanted.head &&
      (!wanted.negative || unit.negative) &&
      (!wanted.place || (wanted.place === "center" ? unit.place !== "" : unit.place === wanted.place)) &&
      (!text.includes("#") || unit.variant === wanted.variant) &&
      ranges.some(([, first, last]) => number >= Number(first) && number <= Number(last ?? first))
    );
  };
}

/** `column:value`: of texts a part will do, of numbers `5..10` and `>5` too. */
function field(name, text, reading) {
  const column = columnNamed(name);
  if (!column) return unknown(name, reading);
  const range = /^(-?[\d.e+-]*)\.\.(-?[\d.e+-]*)$/.exec(text);
  if (column.kind === "number" && range) {
    const low = range[1] === "" ? -Infinity : Number(range[1]);
    const high = range[2] === "" ? Infinity : Number(range[2]);
    return (row) => column.values[row] !== null && column.values[row] >= low && column.values[row] <= high;
  }
  const comparison = /^(==|!=|>=|<=|=|>|<)(.*)$/.exec(text);
  if (comparison) return condition(name, comparison[1], comparison[2], reading);
  if (column.kind !== "text") return condition(name, "=", text, reading);
  const small = text.toLowerCase();
  if (column.name === "layer") return (row) => (column.values[row] ?? "").toLowerCase().split("+").includes(small);
  return (row) => (column.values[row] ?? "").toLowerCase().includes(small);
}

function condition(name, op, text, reading) {
  const column = columnNamed(name);
  if (!column) return unknown(name, reading);
  const wanted = asKind(text, column.kind);
  if (wanted === null) {
    const expected = column.kind === "number" ? "a number" : "true or false";
    return problem(`${column.name} ${op} ${text}: expected ${expected}`, reading);
  }
  const compare = COMPARISONS[op];
  if (column.kind === "text") {
    return (row) => column.values[row] !== null && compare(column.values[row].toLowerCase(), wanted);
  }
  return (row) => column.values[row] !== null && compare(column.values[row], wanted);
}

function asKind(text, kind) {
  if (kind === "text") return text.toLowerCase();
  if (kind === "truth") return { true: true, yes: true, 1: true, false: false, no: false, 0: false }[text.toLowerCase()] ?? null;
  return text.trim() === "" || Number.isNaN(Number(text)) ? null : Number(text);
}

function columnNamed(name) {
  return model.columns.get(name) ?? model.columns.get(ALIASES[name.toLowerCase()] ?? name.toLowerCase());
}

function unknown(name, reading) {
  const names = [...model.columns.keys()];
  const near = names.map((other) => [distance(name.toLowerCase(), other), other]).sort((a, b) => a[0] - b[0])[0];
  const hint = near[0] <= Math.max(2, name.length / 3) ? `; did you mean ${near[1]}?` : ` (there are ${names.join(", ")})`;
  return problem(`There is no column ${name}${hint}`, reading);
}

function problem(text, reading) {
  reading.problems.push(text);
  return () => true;
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
