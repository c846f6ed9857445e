// A unit's page.

const NO_STATISTICS = new Set(["channel", "class_index", "steps", "seconds"]);

/**
 * Fill the article with a unit. What people look at comes first: the picture, what excites it, what
 * it is built from, what is like it.
 */
function showUnit(article, row, ways) {
  const picture = figureOf(row);
  const side = element("div", { className: "side" });
  const rest = element("div", { className: "rest" });
  article.replaceChildren(
    crumbsOf(row, ways),
    element("header", {}, element("h1", { id: "unit-heading", tabindex: "-1" }, model.ids[row]), element("p", { className: "lead" }, described(row)), wordsOn(row)),
    element("div", { className: "columns" }, picture, side),
    rest,
  );
  sized(picture);
  const command = value("status", row) === "unavailable" ? null : commandBox(row);
  const figures = element("section", { className: "part", "aria-label": "Key figures" }, keyFigures(row));
  rest.append(...[kin(row), figures, statistics(row), command].filter(Boolean));
  detailsOf(row).then(
    (told) => { if (article.contains(rest)) tell(row, told, { picture, side, rest, figures, command }); },
    () => rest.append(element("p", { className: "problem" }, REPLACED)),
  );
}

const REPLACED = "What belongs to this unit was replaced since the page was opened: reload it.";

function tell(row, told, { picture, side, rest, figures, command }) {
  if (told?.examples) side.append(photographs(row, told.examples));
  if (told?.circuit) side.append(...circuitParts(row, told.circuit, new Acts(picture, row, told.circuit)));
  digestOf(picture, told?.file_sha256);
  if (told?.film) filmed(picture, told.film, row);
  if (!side.children.length) side.append(figures);
  if (told?.nearest?.length) rest.prepend(nearest(told));
  if (told?.excites?.length) rest.prepend(excites(told.excites));
  if (told?.naming) rest.prepend(naming(told.naming));
  if (told?.trial) rest.prepend(part("On the builder's photographs", element("p", {}, told.trial)));
  if (told?.trajectory?.length > 1) {
    const chart = trajectoryChart(told.trajectory, value("activation", row) ?? told.trajectory.at(-1));
    const note = "The activation at each step, as its transformed view had it; dashed, that of the stored image.";
    const trajectory = part("Trajectory", chart, element("p", { className: "muted small" }, note));
    if (command) command.before(trajectory);
    else rest.append(trajectory);
  }
  rest.append(provenance(told), json(rowAsJson(row, told)));
}

/** The address of the map with a unit in its middle; in another layout where it has no place in this. */
function onMap(row) {
  const isThere = layouts()[state.layout]?.([row], state).cells.length;
  const wanted = { ...state, where: "map", on: model.ids[row], at: "", view: "", show: value("status", row) === "done" ? state.show : "all" };
  return written(isThere ? wanted : { ...wanted, layout: DEFAULTS.layout });
}

/** The name that labels give a unit, and how far it stands above chance. */
function naming({ label, text }) {
  return part("Name", element("p", {}, label ? element("strong", {}, label) : null, label ? ". " : null, text));
}

function part(heading, ...children) {
  return element("section", { className: "part" }, element("h2", {}, heading), ...children);
}

/** The ways from a unit: back, into the tray, onto the map, to its neighbours in what was found. */
function crumbsOf(row, { before, after, back }) {
  return element(
    "div",
    { className: "crumbs" },
    element("a", { href: back, id: "back" }, "← All units"),
    element("span", { className: "pair" }, collectButton(row), element("a", { href: onMap(row), id: "on-map" }, "Show on the map"), neighbour(before, "‹ Previous", "prev"), neighbour(after, "Next ›", "next")),
  );
}

function neighbour(row, text, rel, address = addressOf) {
  return row === undefined || row === null
    ? element("span", { className: "muted" }, text)
    : element("a", { href: address(row), rel, id: `unit-${rel}`, title: model.ids[row] }, text);
}

function keyFigures(row) {
  const activation = value("activation", row);
  if (activation === null) return element("dl", { className: "figures" }, figure("state", value("status", row)));
  const sorted = spreadOf(row, "activation");
  const names = ["activation_robust", "kept", "agreement", "own_rank", "selectivity", "natural_quantile", "prediction", "name_auroc"].filter((name) => hasColumn(name) && value(name, row) !== null);
  return element(
    "dl",
    { className: "figures" },
    figure("activation", shown(activation), "", row),
    ...names.map((name) => figure(labelOf(name), shown(value(name, row)), "", row)),
    sorted.length > 1 ? figure("rank in its section", ...placed(row, sorted, activation)) : null,
    value("alive", row) === false ? figure("state", "dead") : null,
  );
}

/** A unit's place by activation, the best first, and of how many. */
function placed(row, sorted, activation) {
  const { below, alike, above } = placeAmong(sorted, activation);
  if (alike === sorted.length) return ["none", `, all ${alike.toLocaleString("en")} are alike`];
  const place = 1 + (isBetterLow("activation", row) ? below : above);
  return [place.toLocaleString("en"), ` of ${sorted.length.toLocaleString("en")}${alike > 1 ? `, with ${(alike - 1).toLocaleString("en")} more` : ""}`];
}

function figure(name, text, rest = "", row = 0) {
  return element("div", {}, element("dt", {}, term(name, name.replaceAll(" ", "_"), row)), element("dd", {}, text, rest ? element("span", { className: "muted" }, rest) : null));
}

function labelOf(name) {
  return name.replaceAll("_", " ");
}

function commandBox(row) {
  const command = `atlas render ${quoted(model.ids[row])} ${model.options}`;
  return element("section", { className: "command" }, element("div", { className: "split" }, element("h2", {}, "Render it again"), copyButton(command, "the command")), element("pre", { tabindex: "0", role: "region", "aria-label": "Command" }, command));
}

/** A word for a shell. */
function quoted(word) {
  return /^[\w.,:@+-][\w.,:@+#-]*$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Variants, the other direction, neurons of the same channel. */
function kin(row) {
  const { head, number } = model.parts[row];
  const rows = model.ids.map((_, other) => other).filter((other) => other !== row && model.parts[other].head === head && model.parts[other].number === number);
  if (!rows.length) return null;
  const links = rows.slice(0, 64).map((other) => unitLink(other, difference(model.parts[row], model.parts[other])));
  return part("Variants and relatives", element("div", { className: "minis" }, ...links));
}

/** What sets another unit of the same channel apart from mine. */
function difference(mine, other) {
  return [
    mine.place !== other.place && (other.place ? `neuron at ${other.place}` : "channel"),
    mine.negative !== other.negative && (other.negative ? "negative direction" : "positive direction"),
    mine.variant !== other.variant && (other.variant ? `variant ${other.variant}` : "first variant"),
  ].filter(Boolean).join(", ");
}

function statistics(row) {
  const section = model.sections[model.sectionOf[row]];
  const names = numberColumns().filter((name) => !NO_STATISTICS.has(name) && value(name, row) !== null);
  if (!names.length) return null;
  const lines = names.map((name) => {
    const [number, sorted] = [value(name, row), spreadOf(row, name)];
    const meaning = model.meanings[value("kind", row)][value("direction", row)][name];
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, labelOf(name), meaning ? element("span", { className: "muted" }, meaning) : null),
      element("td", { className: "number" }, shown(number)),
      element("td", {}, sorted.length > 1 ? spreadChart(sorted, number) : "–"),
      element("td", { className: "number muted" }, sorted.length > 1 ? ranked(sorted, number, isBetterLow(name, row)) : "–"),
    );
  });
  const heads = ["statistic", "value", "among its section", "rank"].map((text) => element("th", { scope: "col" }, text));
  return part("Statistics", element("p", { className: "muted" }, `Beside the ${counted(section.count, "unit")} of the `, term("section"), ` “${section.heading}”.`), element("div", { className: "scrolls", tabindex: "0", role: "region", "aria-label": "Statistics" }, element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...lines))));
}

/** Whether less of a figure is better: of own rank, and of the activation of a negative unit. */
function isBetterLow(name, row) {
  const isTurned = model.parts[row].negative && ["activation", "activation_robust", "activation_peak"].includes(name);
  return name === "own_rank" || isTurned;
}

function ranked(sorted, number, betterLow) {
  const { below, alike, above } = placeAmong(sorted, number);
  if (alike === sorted.length) return "all alike";
  const part = (count) => Math.min(99, Math.max(1, Math.round((100 * count) / (sorted.length - 1))));
  const words = betterLow ? ["best", "last", `better than ${part(above)} %`] : ["lowest", "highest", `above ${part(below)} %`];
  if (below && above) return words[2];
  return words[below ? 1 : 0] + (alike > 1 ? `, with ${alike - 1} more` : "");
}

function nearest(told) {
  const links = told.nearest.map((id, place) => {
    const row = model.rowOf.get(id);
    const far = told.nearest_distance?.[place];
    return row === undefined ? null : unitLink(row, far === undefined ? "" : `distance ${shown(far, 3)}`);
  });
  return part("Most alike", element("p", { className: "muted" }, "Units whose images the network answers most alike, by ", term("distance"), "."), element("div", { className: "minis" }, ...links));
}

/** Other channels that a unit's picture excites, against how much the atlas's pictures do. */
function excites(pairs) {
  const links = pairs.map(([id, z]) => {
    const row = model.rowOf.get(id);
    const note = `${shown(z, 2)} deviations`;
    return row === undefined ? element("span", { className: "mini" }, element("span", { className: "none" }), element("span", { className: "name" }, id), element("span", { className: "muted" }, note)) : unitLink(row, note);
  });
  return part("Its picture excites", element("p", { className: "muted" }, "Other channels, by how far their response to this picture stands above that to the pictures of the atlas, in standard deviations."), element("div", { className: "minis" }, ...links));
}

function provenance(told) {
  const judge = model.judge ? [["judge of pictures", model.judge]] : [];
  const image = told?.image_sha256 ? [["image SHA-256, of its pixels", told.image_sha256]] : [];
  const facts = [...model.facts, ...judge, ...image];
  const lines = facts.map(([name, text]) => element("div", {}, element("dt", {}, name), element("dd", {}, text)));
  return part("Provenance", element("dl", { className: "facts" }, ...lines));
}

function json(row) {
  const text = JSON.stringify(row, null, 1);
  return element("details", { className: "part" }, element("summary", {}, "The row as JSON"), copyButton(text, "the row"), element("pre", { tabindex: "0", role: "region", "aria-label": "Row as JSON" }, text));
}
