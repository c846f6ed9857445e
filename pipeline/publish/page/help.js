// Help: what the search box understands, and every key.

/** Searches and what they find, in the words of this atlas: what would find nothing here is left out. */
function searches() {
  return examplesOf().filter(([text]) => isAnyFound(text));
}

function isAnyFound(text) {
  const { test, problems } = parseQuery(text);
  return !problems.length && model.ids.some((_, row) => test(row) && (!model.counts.done || value("status", row) === "done"));
}

function examplesOf() {
  const done = model.ids.map((_, row) => row).filter((row) => value("status", row) === "done");
  const row = done.find((one) => value("channel", one) !== null) ?? done[0] ?? 0;
  const { head, number } = model.parts[row];
  const layer = value("layer", row);
  const middle = Math.floor(value("activation", done[Math.floor(done.length / 2)] ?? row) ?? 0);
  const names = done.map((one) => value("class_name", one)).filter((name) => /^[\w ]+$/.test(name ?? ""));
  const words = [...new Set(names.map((name) => name.split(" ").at(-1)))];
  return [
    [`${head}:${number}`, "a unit, with its neurons and its negative direction"],
    [`${head}:0-63,100`, "units by number"],
    [`layer:${layer} activation > ${middle}`, "conditions, all of which must hold"],
    [`activation:${middle}..${middle + 5}`, "a range"],
    [words.slice(0, 2).map((word) => `class:${word}`).join(" or ") || "class:", "class names that contain a word"],
    ["explained > 0.7", "units that the ten channels that excite them most explain"],
    ["kept < 0.4", "pictures that lose most of what they excite under noise, blur, a turn and others"],
    [`name:"${calledOf(done)}"`, "units that pictures with this label excite most"],
    [`note:${wordNoted(done)}`, "units whose note has a word"],
    [`called:"${givenName(done)}"`, "units that somebody called so"],
    ["tells = false", "pictures that do not tell which of the builder's photographs excite the unit, marked ?"],
    ["own_rank = 0", "any column of the index: =, !=, <, <=, >, >="],
    ["not (negative or kind:neuron)", "not, or, and, brackets"],
  ];
}

/** A name that a unit has by labels. */
function calledOf(rows) {
  return rows.map((row) => value("name", row)).find((name) => name && !name.includes('"')) ?? "";
}

/** A name that somebody gave a unit. */
function givenName(rows) {
  return rows.map((row) => value("called", row)).find((name) => name && !name.includes('"')) ?? "";
}

/** A word of a note. */
function wordNoted(rows) {
  const notes = rows.map((row) => value("note", row)).filter((note) => note !== null);
  return notes.flatMap((note) => note.split(/[^\p{L}]+/u)).find((word) => word.length > 2) ?? "";
}

/** What the search box says while it is empty. */
function placeholder() {
  const [unit, , layer, , named] = examplesOf().map(([text]) => text);
  const shown = [unit, layer, named].filter(isAnyFound);
  return shown.map((text) => (text === named ? text.split(" or ")[0].slice("class:".length) : text)).filter(Boolean).join("   ");
}

const KEYS = [
  ["/", "search"], ["g", "gallery"], ["m", "map"], ["← ↑ → ↓", "move; on a unit's page the one before and after"],
  ["Enter", "open"], ["Esc", "back, or empty the search box"], ["s", "sort"], ["r", "any unit"], ["f", "play the film"], ["z", "size of the picture"],
  ["x", "collect a unit, or take it out; with Shift all up to it"], ["v", "compare what is collected"],
  ["c", "copy the command"], ["n", "name the unit, or note something on it"], ["Ctrl Enter", "save that"], ["b", "what a unit is built from, its circuit"], ["+ −", "zoom the map"], ["h", "in a photograph: where the unit fires"], ["0", "the whole map"], ["t", "light or dark"], ["?", "this help"],
];

/** What can be seen here, what of it can be searched for, every key, and what words mean. */
function fillHelp(dialog, search) {
  dialog.replaceChildren(
    element("form", { method: "dialog" }, element("button", { className: "icon", "aria-label": "Close" }, "×")),
    element("h2", { id: "help-heading" }, "Help"),
    element("h3", {}, "What one can see"),
    ...seen(dialog),
    element("h3", {}, "Search"),
    element("ul", { className: "searches" }, ...searches().map(([text, what]) => element("li", {}, element("button", { type: "button", onclick: () => { dialog.close(); search(text); } }, text), element("span", { className: "muted" }, what)))),
    element("h3", {}, "Keys"),
    element("dl", { className: "keys" }, ...KEYS.map(([key, what]) => element("div", {}, element("dt", {}, ...key.split(" ").map((one) => element("kbd", {}, one))), element("dd", {}, what)))),
    element("h3", {}, "Glossary"),
    glossary(Object.keys(model.terms).filter((name) => !model.columns.has(name))),
    element("h3", {}, "Columns, as the search box takes them"),
    glossary([...model.columns.values()].filter((column) => !column.isEmpty).map((column) => column.name)),
    element("p", { className: "muted" }, "Every view has its own address: copy it to send what you see. Nothing leaves this page."),
  );
}

function seen(dialog) {
  const again = element("button", { type: "button", id: "intro-again" }, "Show this above the gallery again");
  again.addEventListener("click", () => { remember("intro", ""); introduce(); dialog.close(); go({ where: "" }); });
  const text = introduction();
  const whose = model.builders ? `Photographs are of whoever built this atlas, the builder: ${model.builders}.` : "";
  return [
    text ? element("p", {}, `${text} `, again) : null,
    element("p", {}, "The gallery shows a tile a unit, the map all units at once. A tile opens its unit's page: the picture, how strong and how honest it is, what it is built from, what is like it. Collected tiles stay at the bottom, to be compared side by side and taken away."),
    whose ? element("p", {}, whose) : null,
  ].filter(Boolean);
}

function glossary(names) {
  const lines = names.map((name) => [name, meaningOf(name)]).filter(([, text]) => text);
  return element("dl", { className: "glossary" }, ...lines.map(([name, text]) => element("div", {}, element("dt", {}, name), element("dd", {}, text))));
}
