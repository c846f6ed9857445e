// Several atlases on one page: each unit's pictures side by side, what each atlas makes of it, how
// far they differ, and the way to each one's own page. Which is which is always in sight.

const together = {
  sides: [], // name, key, the folder of the own page, and where each of its units is
  queue: Promise.resolve(),
  told: new Map(),
};

/** Take what is known of several atlases; nothing of one. */
function takeTogether(data) {
  model.together = data.together ?? null;
  if (!model.together) return;
  together.sides = model.together.sides.map((side) => ({ ...side, places: new Map() }));
  model.batches.forEach((batch, number) => {
    const { places } = together.sides[batch.side];
    batch.units.forEach((id, place) => places.set(id, [number, place]));
  });
  DEFAULTS.sort = model.together.sort;
}

/** Whether a batch's pictures are those of the row of their ids: not of units that stand beside others. */
function isOwnBatch(batch) {
  return !batch.side || model.together?.way !== "nearest";
}

function ownAddress(side, id) {
  const told = document.querySelector('meta[name="atlas-own"]')?.content;
  const served = told ? JSON.parse(told)[side.key] : null;
  const where = /^http:\/\/127\.0\.0\.1:\d+\/$/.test(served ?? "") ? served : `${side.at}index.html`;
  return `${where}#${encodedId(id)}`;
}

/** The unit of a row in one of the atlases; null where it has none. */
function unitIn(side, row) {
  const partner = model.together.partners[side.key];
  const id = partner ? value(partner, row) : model.ids[row];
  return side.places.has(id) ? id : null;
}

function pictureIn(side, id, kind) {
  const [number, place] = side.places.get(id);
  const batch = model.batches[number];
  return { source: fileIn(batch, place, kind), colour: colourIn(batch, place) };
}

/** A column of one of the atlases. */
function valueIn(side, name, row) {
  return value(`${name}_${side.key}`, row);
}

// Each atlas's own details -------------------------------------------------------------------------

/** What an atlas's own page tells of a unit; one script is read at a time, as they say no atlas. */
function detailsIn(side, id) {
  const key = `${side.key} ${id}`;
  const batch = model.batches[side.places.get(id)?.[0]];
  if (!batch) return Promise.resolve(null);
  together.queue = together.queue.catch(() => {}).then(async () => {
    if (together.told.has(key)) return;
    const usual = globalThis.atlasDetails;
    globalThis.atlasDetails = (units) => {
      for (const [unit, told] of Object.entries(units)) together.told.set(`${side.key} ${unit}`, placedAt(told, batch.at));
    };
    try {
      await load(batch.at + batch.details);
    } finally {
      globalThis.atlasDetails = usual;
    }
  });
  return together.queue.then(() => together.told.get(key) ?? null);
}

/** What is told, with the files that it names where they are for this page. */
function placedAt(told, at) {
  if (typeof told === "string") return /^(?:films|examples|photographs)\/[\w.-]+$/.test(told) ? at + told : told;
  if (Array.isArray(told)) return told.map((one) => placedAt(one, at));
  if (told === null || typeof told !== "object") return told;
  return Object.fromEntries(Object.entries(told).map(([name, one]) => [name, placedAt(one, at)]));
}

// Which is which -----------------------------------------------------------------------------------

/** What stays in sight: the atlases, in the order of their pictures, and what is to be known. */
function showSides() {
  if (!model.together) return;
  document.body.classList.add("together");
  byId("home").querySelector(".muted").textContent = counted(together.sides.length, "atlas").replace(/s$/, "es");
  const names = together.sides.map((side, number) => element("li", {}, badge(number), element("bdi", {}, side.name)));
  const how = model.together.way === "id" ? "The same units side by side; the map shows the first picture of each." : `Beside each unit of ${together.sides[0].name} the one that is nearest to it.`;
  const said = model.together.said.length ? element("details", {}, element("summary", {}, counted(model.together.said.length, "remark")), element("ul", {}, ...model.together.said.map((text) => element("li", {}, text)))) : null;
  const strip = element("section", { id: "sides", "aria-label": "Atlases side by side" }, ...[element("ol", {}, ...names), element("p", { className: "muted" }, how), said].filter(Boolean));
  document.querySelector(".bar").after(strip);
  const settle = () => strip.style.setProperty("top", `${document.querySelector(".bar").offsetHeight}px`);
  new ResizeObserver(settle).observe(document.querySelector(".bar"));
}

function badge(number) {
  return element("b", { className: "badge" }, String.fromCharCode(65 + number));
}

// Tiles --------------------------------------------------------------------------------------------

/** How many pictures stand side by side on a tile. */
function picturesAbreast() {
  return model.together ? together.sides.length : 1;
}

/** Have a tile show a row's pictures, each with its atlas. */
function fillPair(frame, row) {
  const parts = together.sides.map((side, number) => {
    const id = unitIn(side, row);
    const of = id === null ? null : pictureIn(side, id, "thumbs");
    const image = of ? element("img", { src: of.source, alt: "", decoding: "async", draggable: "false" }) : element("span", { className: "none" }, "not there");
    const half = element("span", { className: "half", title: side.name }, image, badge(number));
    if (of) half.style.backgroundColor = of.colour;
    return half;
  });
  frame.replaceChildren(...parts);
}

/** What stands under a tile, where two units are beside each other. */
function pairCaption(row) {
  const ids = together.sides.map((side) => unitIn(side, row)).filter((id) => id !== null);
  return model.together.way === "nearest" ? `${ids.join(" ~ ")}${value("mutual", row) ? " ⇄" : ""}` : captionOf(row);
}

// A unit's page ------------------------------------------------------------------------------------

function showTogether(article, row, ways) {
  const grid = element("div", { className: "abreast" }, ...together.sides.map((side, number) => sideOf(side, number, row)));
  grid.style.setProperty("--abreast", together.sides.length);
  article.replaceChildren(
    crumbsOf(row, ways),
    element("header", {}, element("h1", { id: "unit-heading", tabindex: "-1" }, model.ids[row]), element("p", { className: "lead" }, described(row))),
    changesOf(row),
    grid,
    figuresAbreast(row),
    madeOfAll(),
  );
}

/** How far the atlases differ in a unit. */
function changesOf(row) {
  const names = model.together.measures.filter((name) => value(name, row) !== null);
  if (!names.length) return element("p", { className: "muted" }, "One atlas alone has this unit: nothing can be compared.");
  return element("dl", { className: "figures changes" }, ...names.map((name) => element("div", {}, element("dt", {}, term(labelOf(name), name, row)), element("dd", {}, saidAbreast(value(name, row), /change/.test(name))))));
}

function saidAbreast(one, isSigned = false) {
  if (typeof one === "boolean") return one ? "yes" : "no";
  const text = shown(one);
  return isSigned && typeof one === "number" && one > 0 ? `+${text}` : text.replace(/^-/, "−");
}

/** One atlas's picture of a unit, its name and note there, and the way to its own page. */
function sideOf(side, number, row) {
  const id = unitIn(side, row);
  const heading = element("h2", {}, badge(number), element("bdi", {}, side.name));
  if (id === null) return element("section", { className: "abreast-side" }, heading, element("div", { className: "frame none" }, "This atlas has no such unit, or not yet."));
  const { source, colour } = pictureIn(side, id, "images");
  const image = element("img", { src: source, alt: `Picture of ${id} in ${side.name}`, width: side.size, height: side.size, decoding: "async" });
  image.style.background = colour;
  const lines = [["Called: ", valueIn(side, "called", row)], ["Name by labels: ", valueIn(side, "name", row)], ["Note: ", valueIn(side, "note", row)]];
  const likeness = number && model.together.way === "nearest" ? nearness(side, row) : null;
  const more = element("div", { className: "more" });
  detailsIn(side, id).then((told) => { if (more.isConnected) more.append(...moreOf(side, told, row)); }, () => more.append(element("p", { className: "problem" }, REPLACED)));
  return element(
    "section",
    { className: "abreast-side", "aria-label": side.name },
    heading,
    element("figure", {}, element("div", { className: "frame" }, image), element("figcaption", {}, element("a", { href: ownAddress(side, id) }, `${id} in ${side.name}`))),
    ...[likeness, ...lines.map(([what, text]) => (text ? element("p", { className: "noted" }, element("span", { className: "muted" }, what), element("bdi", {}, text)) : null))].filter(Boolean),
    more,
  );
}

function nearness(side, row) {
  const several = together.sides.length > 2 ? `_${side.key}` : "";
  const mutual = value(`mutual${several}`, row) ? "each is the other's nearest" : "its own nearest is another";
  return element("p", { className: "muted small" }, `Nearest to ${model.ids[row]}, likeness ${shown(value(`likeness${several}`, row), 3)}; ${mutual}.`);
}

/** The trajectory, photographs and nearest units that an atlas's own page tells of. */
function moreOf(side, told, row) {
  const activation = valueIn(side, "activation", row);
  const chart = told?.trajectory?.length > 1 ? element("section", {}, element("h3", {}, "Trajectory"), trajectoryChart(told.trajectory, activation ?? told.trajectory.at(-1))) : null;
  const near = (told?.nearest ?? []).filter((id) => side.places.has(id)).slice(0, 10);
  const links = near.map((id) => {
    const { source, colour } = pictureIn(side, id, "thumbs");
    const image = element("img", { src: source, alt: "", width: 96, height: 96, loading: "lazy", decoding: "async" });
    image.style.background = colour;
    const isHere = model.together.way === "id" && model.rowOf.has(id);
    return element("a", { href: isHere ? addressOf(model.rowOf.get(id)) : ownAddress(side, id), className: "mini" }, image, element("span", { className: "name" }, id));
  });
  const alike = links.length ? element("section", {}, element("h3", {}, "Most alike"), element("div", { className: "minis" }, ...links)) : null;
  return [chart, alike].filter(Boolean);
}

/** Every statistic of every atlas, and what changed. */
function figuresAbreast(row) {
  const names = model.together.told.filter((name) => !["name", "called", "note"].includes(name) && together.sides.some((side) => valueIn(side, name, row) !== null));
  const isPair = together.sides.length === 2;
  const heads = ["statistic", ...together.sides.map((side) => side.name), ...(isPair ? ["change"] : [])];
  const lines = names.map((name) => {
    const values = together.sides.map((side) => valueIn(side, name, row));
    const change = values.every((one) => typeof one === "number") ? values[1] - values[0] : null;
    return element("tr", {}, element("th", { scope: "row" }, term(labelOf(name), name, row)), ...values.map((one) => element("td", { className: "number" }, one === null ? "–" : saidAbreast(one))), isPair ? element("td", { className: "number" }, change === null ? "–" : saidAbreast(change, true)) : null);
  });
  const table = element("table", {}, element("thead", {}, element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)))), element("tbody", {}, ...lines));
  return part("Statistics", element("div", { className: "scrolls", tabindex: "0", role: "region", "aria-label": "Statistics" }, table));
}

/** Where each atlas came from. */
function madeOfAll() {
  const names = [...new Set(together.sides.flatMap(({ facts }) => facts.map(([name]) => name)))];
  const of = (side, name) => side.facts.find(([one]) => one === name)?.[1] ?? "–";
  const lines = names.map((name) => {
    const texts = together.sides.map((side) => of(side, name));
    const differs = new Set(texts).size > 1;
    return element("tr", { className: differs ? "differing" : "" }, element("th", { scope: "row" }, name, differs ? element("span", { className: "muted" }, "differs") : null), ...texts.map((text) => element("td", {}, text)));
  });
  const heads = ["", ...together.sides.map((side) => side.name)].map((text) => (text ? element("th", { scope: "col" }, text) : element("td", {})));
  const table = element("table", { className: "made-of" }, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...lines));
  return part("Provenance", element("div", { className: "scrolls", tabindex: "0", role: "region", "aria-label": "Provenance" }, table));
}
