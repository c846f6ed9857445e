// Help: what the search box understands, and every key.

/** Searches and what they find, in the words of this atlas: what would find nothing here is left out. */
function searches() {
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
    [`note:${wordNoted(done)}`, "units on which you noted a word"],
    ["tells = false", "pictures that do not tell which of your photographs excite the unit, marked ?"],
    ["own_rank = 0", "any column of the index: =, !=, <, <=, >, >="],
    ["not (negative or kind:neuron)", "not, or, and, brackets"],
  ].filter(([text]) => {
    const { test, problems } = parseQuery(text);
    return !problems.length && (done.length ? done : model.ids.map((_, one) => one)).some(test);
  });
}

/** A name that a unit has by labels. */
function calledOf(rows) {
  return rows.map((row) => value("name", row)).find((name) => name && !name.includes('"')) ?? "";
}

/** A word of a note. */
function wordNoted(rows) {
  const notes = rows.map((row) => value("note", row)).filter((note) => note !== null);
  return notes.flatMap((note) => note.split(/[^\p{L}]+/u)).find((word) => word.length > 2) ?? "";
}

/** What the search box says while it is empty. */
function placeholder() {
  const shown = searches().map(([text]) => text);
  const name = shown.find((text) => text.startsWith("class:"))?.split(" or ")[0].slice(6);
  return [shown[0], shown.find((text) => text.startsWith("layer:")), name].filter(Boolean).join("   ");
}

const KEYS = [
  ["/", "search"], ["g", "gallery"], ["m", "map"], ["← ↑ → ↓", "move; on a unit's page the one before and after"],
  ["Enter", "open"], ["Esc", "back, or empty the search box"], ["s", "sort"], ["r", "any unit"], ["f", "play the film"],
  ["c", "copy the command"], ["b", "what a unit is built from, its circuit"], ["+ −", "zoom the map"], ["0", "the whole map"], ["t", "light or dark"], ["?", "this help"],
];

function fillHelp(dialog, search) {
  const columns = [...model.columns.values()].filter((column) => !column.isEmpty).map((column) => column.name);
  dialog.replaceChildren(
    element("form", { method: "dialog" }, element("button", { className: "icon", "aria-label": "Close" }, "×")),
    element("h2", { id: "help-heading" }, "Help"),
    element("h3", {}, "Search"),
    element("ul", { className: "searches" }, ...searches().map(([text, what]) => element("li", {}, element("button", { type: "button", onclick: () => { dialog.close(); search(text); } }, text), element("span", { className: "muted" }, what)))),
    element("p", { className: "muted columns-list" }, `Columns: ${columns.join(", ")}.`),
    element("h3", {}, "Keys"),
    element("dl", { className: "keys" }, ...KEYS.map(([key, what]) => element("div", {}, element("dt", {}, ...key.split(" ").map((one) => element("kbd", {}, one))), element("dd", {}, what)))),
    element("p", { className: "muted" }, "Every view has its own address: copy it to send what you see. Nothing leaves this page."),
  );
}
