// A unit's page.

const NO_STATISTICS = new Set(["channel", "class_index", "steps", "seconds"]);

/** Fill the article with a unit; `before` and `after` are its neighbours in what was found. */
function showUnit(article, row, { before, after, back }) {
  const picture = figureOf(row);
  const side = element("div", { className: "side" }, keyFigures(row), value("status", row) === "unavailable" ? null : commandBox(row));
  const rest = element("div", { className: "rest" });
  article.replaceChildren(
    element(
      "div",
      { className: "crumbs" },
      element("a", { href: back, id: "back" }, "← All units"),
      element("span", { className: "pair" }, collectButton(row), element("a", { href: onMap(row), id: "on-map" }, "Show on the map"), neighbour(before, "‹ Previous", "prev"), neighbour(after, "Next ›", "next")),
    ),
    element("header", {}, element("h1", { id: "unit-heading", tabindex: "-1" }, model.ids[row]), element("p", { className: "lead" }, described(row)), noteOn(row)),
    element("div", { className: "columns" }, picture, side),
    rest,
  );
  rest.append(...[kin(row), statistics(row)].filter(Boolean));
  detailsOf(row).then(
    (told) => { if (article.contains(rest)) tell(row, told, { picture, side, rest }); },
    () => rest.append(element("p", { className: "problem" }, REPLACED)),
  );
}

const REPLACED = "What belongs to this unit was replaced since the page was opened: reload it.";

function tell(row, told, { picture, side, rest }) {
  if (told?.trajectory?.length > 1) {
    const chart = trajectoryChart(told.trajectory, value("activation", row) ?? told.trajectory.at(-1));
    const note = "The activation at each step, as its transformed view had it; dashed, that of the stored image.";
    side.children[0].after(element("section", {}, element("h2", {}, "Trajectory"), chart, element("p", { className: "muted small" }, note)));
  }
  if (told?.circuit) side.children[0].after(...circuitParts(row, told.circuit, new Acts(picture, row, told.circuit)));
  if (told?.film) filmed(picture, told.film, row);
  if (told?.naming) rest.prepend(naming(told.naming));
  if (told?.trial) rest.prepend(part("On the builder's photographs", element("p", {}, told.trial)));
  if (told?.nearest?.length) rest.append(nearest(told));
  if (told?.examples) rest.append(exampleSheet(told.examples));
  rest.append(provenance(told), json(rowAsJson(row, told)));
}

/** The address of the map with a unit in its middle; in another layout where it has no place in this. */
function onMap(row) {
  const isThere = layouts()[state.layout]?.([row], state).cells.length;
  const wanted = { ...state, where: "map", on: model.ids[row], at: "", view: "", show: value("status", row) === "done" ? state.show : "all" };
  return written(isThere ? wanted : { ...wanted, layout: DEFAULTS.layout });
}

/** What the user noted on a unit. */
function noteOn(row) {
  const note = value("note", row);
  return note === null ? null : element("p", { className: "noted" }, element("span", { className: "muted" }, "The builder's note: "), note);
}

/** The name that labels give a unit, and how far it stands above chance. */
function naming({ label, text }) {
  return part("Name", element("p", {}, label ? element("strong", {}, label) : null, label ? ". " : null, text));
}

function part(heading, ...children) {
  return element("section", { className: "part" }, element("h2", {}, heading), ...children);
}

function neighbour(row, text, rel, address = addressOf) {
  return row === undefined || row === null
    ? element("span", { className: "muted" }, text)
    : element("a", { href: address(row), rel, id: `unit-${rel}`, title: model.ids[row] }, text);
}

function figureOf(row) {
  const source = imageOf(row);
  if (!source) {
    const status = value("status", row);
    const why = { missing: "Not built yet.", failed: "The last build gave it up.", unavailable: "Unavailable: these weights have no classifier, so no class can be shown or named." }[status] ?? status;
    return element("figure", { className: "large" }, element("div", { className: "frame none" }, why));
  }
  const image = element("img", { src: source, alt: `${pictured(row)}: ${described(row)}`, width: model.size, height: model.size, style: { background: colourOf(row) } });
  const doubt = isDoubtful(row) ? element("p", { className: "doubt" }, element("strong", {}, "?"), ` ${DOUBT} ${model.judge}.`) : null;
  return element("figure", { className: "large" }, element("div", { className: "frame" }, image), doubt, element("figcaption", {}, element("a", { href: source, download: `${model.ids[row].replace(/[^\w.@+-]/g, "_")}.webp` }, "Save the picture")));
}

const DOUBT = "This picture did not tell which of the builder's photographs the unit answers to most, by the eyes of";

/** What a unit's picture is a picture of. */
function pictured(row) {
  const words = model.pictured[value("direction", row)][Number(value("alive", row) !== false)];
  return words.replaceAll("{unit}", model.ids[row].slice(model.parts[row].negative ? 1 : 0));
}

/** A button under the picture that plays its film in the picture's place. */
function filmed(figure, film, row) {
  const image = figure.querySelector("img");
  const still = imageOf(row);
  const button = element("button", { type: "button", id: "film", "aria-pressed": "false" }, "▶ How it came about");
  button.addEventListener("click", () => {
    const playing = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(playing));
    button.textContent = playing ? "■ Stop" : "▶ How it came about";
    image.src = playing ? film : still;
  });
  figure.querySelector("figcaption").prepend(button);
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

function exampleSheet({ file, items, text }) {
  const figures = items.map(([picture, activation], place) => {
    const image = element("img", { src: file, alt: "", loading: "lazy", decoding: "async" });
    image.style.objectPosition = `${items.length > 1 ? (100 * place) / (items.length - 1) : 0}% 0`;
    return element("figure", {}, element("div", { className: "crop" }, image), element("figcaption", {}, nameOf(picture), element("span", { className: "muted" }, shown(activation))));
  });
  return part("Dataset examples", element("p", { className: "muted" }, text), element("div", { className: "examples" }, ...figures));
}

/** A picture's name; where it is too long its middle is left out, as pictures of a folder end differently. */
function nameOf(picture) {
  const letters = [...picture];
  return element("span", { className: "name", title: picture }, element("span", { className: "start" }, letters.slice(0, -9).join("")), element("span", {}, letters.slice(-9).join("")));
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
