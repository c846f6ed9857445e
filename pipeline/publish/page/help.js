// Help: what the search box understands, and every key.

const SEARCHES = [
  ["mixed4:42", "a unit, with its neurons and its negative direction"],
  ["mixed4:0-63,100", "units by number"],
  ["layer:mixed4 activation > 12", "conditions, all of which must hold"],
  ["activation:5..10", "a range"],
  ["class:dog or class:cat", "class names that contain a word"],
  ["own_rank = 0", "any column of the index: =, !=, <, <=, >, >="],
  ["not (negative or kind:neuron)", "not, or, and, brackets"],
];
const KEYS = [
  ["/", "search"], ["g", "gallery"], ["m", "map"], ["← ↑ → ↓", "move; on a unit's page the one before and after"],
  ["Enter", "open"], ["Esc", "back, or empty the search box"], ["s", "sort"], ["r", "any unit"], ["f", "play the film"],
  ["c", "copy the command"], ["+ −", "zoom the map"], ["0", "the whole map"], ["t", "light or dark"], ["?", "this help"],
];

function fillHelp(dialog, search) {
  const shownSearches = SEARCHES.filter(([text]) => !text.startsWith("own_rank") || hasColumn("own_rank"));
  const columns = [...model.columns.values()].filter((column) => !column.isEmpty).map((column) => column.name);
  dialog.replaceChildren(
    element("form", { method: "dialog" }, element("button", { className: "icon", "aria-label": "Close" }, "×")),
    element("h2", { id: "help-heading" }, "Help"),
    element("h3", {}, "Search"),
    element("ul", { className: "searches" }, ...shownSearches.map(([text, what]) => element("li", {}, element("button", { type: "button", onclick: () => { dialog.close(); search(text); } }, text), element("span", { className: "muted" }, what)))),
    element("p", { className: "muted columns-list" }, `Columns: ${columns.join(", ")}.`),
    element("h3", {}, "Keys"),
    element("dl", { className: "keys" }, ...KEYS.map(([key, what]) => element("div", {}, element("dt", {}, ...key.split(" ").map((one) => element("kbd", {}, one))), element("dd", {}, what)))),
    element("p", { className: "muted" }, "Every view has its own address: copy it to send what you see. Nothing leaves this page."),
  );
}
